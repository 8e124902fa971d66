"""An account held against the simulation of the same decisions: what differed, why, and what it cost"""
