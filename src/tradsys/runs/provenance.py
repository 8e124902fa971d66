"""Which code and which packages made a run."""

import hashlib
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

import tradsys


@cache
def code_digest() -> str:
    """SHA-256 over every Python file of the package: it changes with the code, committed or not."""
    root = Path(tradsys.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\n" + path.read_bytes())
    return digest.hexdigest()


@cache
def lock_digest() -> str:
    """SHA-256 over the names and versions of every installed package: what a lock file pins, as it really is."""
    installed = sorted({f"{d.metadata['Name']}=={d.version}".lower() for d in distributions()})
    return hashlib.sha256("\n".join(installed).encode()).hexdigest()
