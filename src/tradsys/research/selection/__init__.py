"""Nested selection of profile, threshold and regime map inside each fold, and combinatorial cross-validated paths."""
