"""Closed bars as they come: confirmed by the venue, complete in time or told as missing, never revised unseen"""
