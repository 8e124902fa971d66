"""Training: crops, recipes, schedules, optimiser, groups of networks at once, checkpoints."""
