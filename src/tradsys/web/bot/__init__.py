"""What the pages of a bot show: its account's folder, which is only read; and the commands it may be given."""
