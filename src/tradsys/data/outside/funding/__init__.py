"""The funding that perpetuals' exchanges settled, from a file or the store, told to bars."""
