"""Models that are linear in a row's features, and the base rate."""
