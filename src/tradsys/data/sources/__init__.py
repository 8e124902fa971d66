"""Where market data is fetched from: the Binance public archive, its REST API, and any exchange that ccxt speaks to."""
