"""Daily closes of other markets: where they come from, when each could be read, and what bars know of them"""
