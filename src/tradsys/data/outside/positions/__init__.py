"""Open interest, basis and liquidations, joined to bars by when they were out."""
