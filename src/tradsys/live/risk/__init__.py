"""Limits on the account: which entries pass, and when the bot only closes or stops"""
