"""Whether a run's test blocks look like what it trained on, and which columns its forecasts need."""
