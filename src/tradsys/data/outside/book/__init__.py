"""Limit order books: rebuilt from what a venue sends, measured, and told to bars by when it was received"""
