"""Where what can be made again is kept between runs."""

import os
from pathlib import Path


def cache_folder(name: str) -> Path:
    """The folder of that name in the user's cache; it need not be there yet."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "tradsys" / name
