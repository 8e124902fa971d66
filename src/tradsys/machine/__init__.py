"""The machine: limits, plan, health and worker processes."""
