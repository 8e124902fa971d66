"""What a run may try: the walk-forward experiment, or market-neutral ranks; `research.run` runs either."""
