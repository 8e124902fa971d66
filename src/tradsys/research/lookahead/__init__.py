"""Look-ahead check: everything that a run computed, recomputed without the future."""
