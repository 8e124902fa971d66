"""Settings: sections, the configuration of a run, and the market that they describe."""
