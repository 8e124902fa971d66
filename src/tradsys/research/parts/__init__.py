"""A study in parts: each computed anywhere, by itself, and put together where they agree."""
