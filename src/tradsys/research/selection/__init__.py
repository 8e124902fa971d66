"""What choosing among profiles and thresholds inside each fold earns, and combinatorial cross-validated paths."""
