"""What a bot loads: named files and a manifest of their hashes; anything else in the folder is refused."""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tradsys.core.errors import BundleError
from tradsys.core.json_text import read_json

MANIFEST = "manifest.json"
FORMAT = 2
"""2: ranks and parameters of networks are safetensors, and what turns log-odds into money is the valuation."""

DEPLOYMENT = "deployment"
"""Where a manifest's `about` says how the bundle is to be traded, see `bundle.deployment`."""

RANKS = "ranks.json"
"""The file of a bundle that holds a rank portfolio; no other bundle has one."""


def write_bundle(folder: Path, files: Mapping[str, bytes], *, about: Mapping[str, Any]) -> None:
    """Write the files and a manifest with the SHA-256 of each, into a folder that must not exist yet.

    The folder appears whole or not at all: it is written under another name and renamed. `about` is stored in the
    manifest and comes back from `read_bundle`.
    """
    from tradsys.core.whole_steps import whole  # here, because who loads a bundle writes none

    if folder.exists():
        raise BundleError(f"a bundle is written once, and {folder} exists; choose another folder")
    manifest = {
        "format": FORMAT,
        "files": {name: _sha256(content) for name, content in sorted(files.items())},
        "about": dict(about),
    }
    folder.parent.mkdir(parents=True, exist_ok=True)
    with whole(), tempfile.TemporaryDirectory(dir=folder.parent, prefix=".bundle-") as scratch:
        staged = Path(scratch) / "bundle"
        staged.mkdir()
        for name, content in files.items():
            _write_synced(staged / name, content)
        _write_synced(staged / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True).encode())
        staged.rename(folder)


class ReadBundle(NamedTuple):
    """A bundle as it was read: files by name, what the manifest says about them, and the SHA-256 of the manifest."""

    folder: Path
    files: dict[str, bytes]
    about: dict[str, Any]
    hash: str


def refuse_ranks(bundle: ReadBundle) -> None:
    """A BundleError for a bundle of target weights, where one is wanted that decides on each symbol."""
    if RANKS in bundle.files:
        raise BundleError(
            f"{bundle.folder} holds a rank portfolio, and no predictor that tradsys trade could trade; "
            "RankDecider.load gives its target weights to a bot of your own"
        )


def read_bundle(folder: Path) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files and what the manifest says about them, as `open_bundle` reads them."""
    bundle = open_bundle(folder)
    return bundle.files, bundle.about


def open_bundle(folder: Path) -> ReadBundle:
    """The bundle, after every byte has been checked.

    Whatever is wrong with the folder, its manifest or a file of it is a BundleError.
    """
    try:
        return _read(folder)
    except OSError as error:
        raise BundleError(
            f"{folder} cannot be read: {error.filename or 'a file'}: {error.strerror}; copy the bundle again"
        ) from error


def _read(folder: Path) -> ReadBundle:
    listed, about, manifest_hash = _manifest(folder)
    # a link to a folder is no folder: what lies behind it is not looked through, and so belongs to nothing
    paths = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }
    found = paths.keys() - {MANIFEST}
    if unlisted := sorted(found - listed.keys()):
        raise BundleError(
            f"{folder} holds {', '.join(unlisted)}, which its manifest does not list; remove what does not belong there"
        )
    missing = sorted(name for name in listed if name not in found or not paths[name].is_file())
    if missing:
        raise BundleError(f"{folder} lacks {', '.join(missing)}, which its manifest lists; copy the bundle again")
    files = {name: paths[name].read_bytes() for name in listed}
    if changed := sorted(name for name, content in files.items() if _sha256(content) != listed[name]):
        raise BundleError(
            f"{', '.join(changed)} in {folder} changed after the bundle was written; copy the bundle again"
        )
    return ReadBundle(folder, files, about, manifest_hash)


def _manifest(folder: Path) -> tuple[dict[str, str], dict[str, Any], str]:
    """Hashes by name, what is said about them, and the manifest's own hash."""
    path = folder / MANIFEST
    if not path.is_file():
        raise BundleError(
            f"a bundle has a {MANIFEST}, and {folder} has none; give the bundle/ folder of a finished run"
        )
    content = path.read_bytes()
    try:
        manifest = read_json(content)
    except ValueError as error:
        raise BundleError(f"{path} is not the manifest of a bundle ({error}); copy the bundle again") from None
    if not isinstance(manifest, dict):
        raise BundleError(
            f"{path} is not the manifest of a bundle: it holds no object but {type(manifest).__name__}; "
            "copy the bundle again"
        )
    if manifest.get("format") != FORMAT:
        raise BundleError(
            f"{path} has format {manifest.get('format')}, this version reads {FORMAT}; run again to write a new one"
        )
    files, about = manifest.get("files"), manifest.get("about")
    if not (
        isinstance(files, dict) and isinstance(about, dict) and all(isinstance(one, str) for one in files.values())
    ):
        raise BundleError(
            f"{path} is not the manifest of a bundle: it needs hashes of files in `files` and facts in `about`; "
            "copy the bundle again"
        )
    return files, about, _sha256(content)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
