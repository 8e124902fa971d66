"""Several forecasters as one: how their log-odds are combined, and with what weights."""
