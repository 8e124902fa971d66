"""What a bot loads: named files and a manifest of their hashes; anything else in the folder is refused."""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tradsys.core.errors import BundleError

MANIFEST = "manifest.json"
FORMAT = 2
"""2: ranks and parameters of networks are safetensors, and what turns log-odds into money is the valuation."""


def write_bundle(folder: Path, files: Mapping[str, bytes], *, about: Mapping[str, Any]) -> None:
    """Write the files and a manifest with the SHA-256 of each, into a folder that must not exist yet.

    The folder appears whole or not at all: it is written under another name and renamed. `about` is stored in the
    manifest and comes back from `read_bundle`.
    """
    if folder.exists():
        raise BundleError(f"a bundle is written once, and {folder} exists; choose another folder")
    manifest = {
        "format": FORMAT,
        "files": {name: _sha256(content) for name, content in sorted(files.items())},
        "about": dict(about),
    }
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".bundle-") as scratch:
        staged = Path(scratch) / "bundle"
        staged.mkdir()
        for name, content in files.items():
            _write_synced(staged / name, content)
        _write_synced(staged / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True).encode())
        staged.rename(folder)


def read_bundle(folder: Path) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files and what the manifest says about them, after every byte has been checked."""
    path = folder / MANIFEST
    if not path.is_file():
        raise BundleError(
            f"a bundle has a {MANIFEST}, and {folder} has none; give the bundle/ folder of a finished run"
        )
    manifest = json.loads(path.read_bytes())
    if manifest.get("format") != FORMAT:
        raise BundleError(
            f"{path} has format {manifest.get('format')}, this version reads {FORMAT}; run again to write a new one"
        )
    listed: dict[str, str] = manifest["files"]
    found = {entry.relative_to(folder).as_posix() for entry in folder.rglob("*") if not entry.is_dir()} - {MANIFEST}
    if unlisted := sorted(found - set(listed)):
        raise BundleError(
            f"{folder} holds {', '.join(unlisted)}, which its manifest does not list; remove what does not belong there"
        )
    if missing := sorted(set(listed) - found):
        raise BundleError(f"{folder} lacks {', '.join(missing)}, which its manifest lists; copy the bundle again")
    files = {name: (folder / name).read_bytes() for name in listed}
    if changed := sorted(name for name, content in files.items() if _sha256(content) != listed[name]):
        raise BundleError(
            f"{', '.join(changed)} in {folder} changed after the bundle was written; copy the bundle again"
        )
    return files, manifest["about"]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
