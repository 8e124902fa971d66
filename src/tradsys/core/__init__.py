"""Bars, time, costs, orders, errors and seeds: what every other part stands on."""
