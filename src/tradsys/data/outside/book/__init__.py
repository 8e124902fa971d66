"""Limit order books: rebuilt from what a venue sends, measured, and joined to bars by when they were received"""
