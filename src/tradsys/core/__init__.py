"""Bars, time, costs, errors, seeds and the limits of the machine: what every other part stands on."""
