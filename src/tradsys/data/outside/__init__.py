"""What is known from outside a symbol's own trades: aligned to its bars by when it was published"""
