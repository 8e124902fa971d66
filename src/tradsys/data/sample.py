"""The embedded sample: real quarter-hours of BTC-USD with all the faults they were published with.

A packed CSV rather than Parquet: its cells stay text, mixed offsets and all, and repairs name the lines of the file as
it was published. Where it comes from and under which licence stands beside it, in `sample_bars/SOURCE.txt`.
"""

from importlib.resources import files
from pathlib import Path

SYMBOL = "BTC-USD"
_FILE = "sample_bars/BTC-USD-15-MIN.csv.gz"


def sample_path() -> Path:
    """Where the sample's file stands."""
    return Path(str(files("tradsys.data").joinpath(_FILE)))
