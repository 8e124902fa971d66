"""Trials, verdicts, the lock-box, and what the ledger keeps of a run."""
