"""The funding that perpetuals' exchanges settled, from a file or the store, joined to bars."""
