"""One market of each kind, at a seed where a backtest alone was taken in: the verdict must not be."""
