"""Hyperparameter tuning by Optuna inside the first training part: studies to stop, resume and zoom into."""
