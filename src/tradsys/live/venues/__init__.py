"""Venues behind the port: exchanges by ccxt, a simulated account, and bars that are played"""
