"""Look-ahead audit: everything that a run computed, computed again without the future."""
