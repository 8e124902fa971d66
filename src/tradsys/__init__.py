"""Machine-learned trading of 24/7 markets, from raw bars to a running bot, honest about whether there is an edge."""

__version__ = "0.2.0"
