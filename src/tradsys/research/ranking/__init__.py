"""The market-neutral rank portfolio: long the strongest symbols, short the weakest."""
