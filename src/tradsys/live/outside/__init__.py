"""Columns from outside for a running bot: who gives each, how old it is, and what a stale one means"""
