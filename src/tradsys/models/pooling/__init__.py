"""Several forecasters as one: ensembles and their weights."""
