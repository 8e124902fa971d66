"""Runs for the pages: listed without reading their tables, chosen, set side by side and judged as of now."""
