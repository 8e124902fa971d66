"""How often the verdict is wrong: the whole flow on markets whose truth is known."""
