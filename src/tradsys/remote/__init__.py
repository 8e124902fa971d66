"""Other machines by ssh: the code pushed, a command run there under a supervisor, its results and trials pulled."""
