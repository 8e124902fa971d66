"""Runs, journal and bot in the browser, on this machine alone: what the report shows, and what is going on."""
