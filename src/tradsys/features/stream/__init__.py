"""From a closed bar to its features: what is written down once, and moved on bar by bar."""
