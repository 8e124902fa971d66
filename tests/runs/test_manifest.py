"""tests `runs/manifest.py`"""

from hashlib import sha256
from importlib.metadata import distributions

from tradsys.runs.manifest import lock_digest


def test_the_lock_is_the_name_and_version_of_every_installed_package():
    """Against the library's own reading of all metadata."""
    names = sorted({f"{one.metadata['Name']}=={one.version}".lower() for one in distributions()})
    assert len(names) > 50 and lock_digest() == sha256("\n".join(names).encode()).hexdigest()
