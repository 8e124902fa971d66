"""What the executor is made of: the venue's truth, what should be, the difference, and the ledger of trades"""
