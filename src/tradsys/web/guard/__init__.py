"""Who may read a page: this machine's user, from our own pages, once he showed the token of his terminal."""
