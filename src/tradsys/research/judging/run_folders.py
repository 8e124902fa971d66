"""Runs whose trials the ledger does not hold: their folders tell of them, and they count."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tradsys.core.json_text import canonical_json
from tradsys.journal.chain import LedgerEntry, sha256
from tradsys.journal.entries import LockboxOpening, Trial
from tradsys.journal.ledger import Ledger
from tradsys.runs.manifest import NAME

_END_OF_TIME = 2**62
"""Closes the span of a lock-box whose folder does not say when its data end."""

_log = logging.getLogger(__name__)


def count_run_folders(root: Path, ledger: Ledger) -> None:
    """Let the ledger count trials and openings of runs below `root` that it has no entry of, and say so.

    A ledger that was deleted, cut off or put back from an old copy lacks what was tried since; the folders know it.
    """
    known = {entry.content.get("series") for entry in (*ledger.entries(Trial.kind), *ledger.lost)}
    opened = {_opening_of(entry.content) for entry in (*ledger.entries(LockboxOpening.kind), *ledger.lost)}
    found: list[LedgerEntry] = []
    runs = []
    for folder, manifest in _manifests(root):
        own = [content for content in _trials(manifest) if content["series"] not in known]
        box = _lockbox(folder, manifest)
        if box is not None and _opening_of(box) not in opened:
            own.append(box)
        if own:
            runs.append(folder.name)
            found += [LedgerEntry("", "", sha256(canonical_json(one)), one, "") for one in own]
    ledger.count_also(found)
    if runs:
        names = ", ".join(runs[:3]) + (f" and {len(runs) - 3:,} more" if len(runs) > 3 else "")
        _log.warning(
            "%s does not hold what was tried in %s of %s: %s. It counts all the same where it was tried on the same "
            "data. Restore the ledger from a copy that has it, or name the journal of these runs (--journal)",
            ledger.path,
            "1 run" if len(runs) == 1 else f"{len(runs):,} runs",
            root,
            names,
        )


def _manifests(root: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Finished runs below `root`, by name, each with its manifest as plain values."""
    if not root.is_dir():
        return
    for path in sorted(root.glob(f"*/{NAME}")):
        if path.parent.name.startswith("."):
            continue
        try:
            manifest = json.loads(path.read_bytes())
            complete = isinstance(manifest, dict) and {"run", "trials", "blocks"} <= manifest.keys()
        except (OSError, ValueError):
            complete = False
        if complete:
            yield path.parent, manifest
        else:
            _log.warning("%s is no manifest of a run: what was tried in it is not counted", path)


def _trials(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Its profiles as entries of the ledger; of a manifest that does not say what was judged, all of its data were."""
    judged = {"judged": manifest["judged"]} if manifest.get("judged") else {}
    for profile, digest in manifest["trials"].items():
        shared = {name: manifest.get(name, "") for name in _SHARED}
        yield {"kind": Trial.kind, **shared, "profile": profile, "series": digest, **judged}


_SHARED: Sequence[str] = ("market", "run", "experiment", "seed", "code", "fingerprint", "blocks")


def _lockbox(folder: Path, manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """The opening that a run made, as an entry of the ledger."""
    try:
        verdict = json.loads((folder / "verdict.json").read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(verdict, dict) or not verdict.get("lockbox"):
        return None
    judged = manifest.get("judged")
    span = {"blocks": manifest["blocks"], "opens": judged["closes"], "closes": _END_OF_TIME} if judged else None
    own = {name: manifest.get(name, "") for name in _SHARED if name != "run"}
    stated = {} if span is None else {"judged": span}
    return {"kind": LockboxOpening.kind, **own, "profile": verdict["lockbox"]["profile"], **stated}


def _opening_of(content: Mapping[str, Any]) -> tuple[Any, ...]:
    """What an opening of one configuration has in common with the folder of its run."""
    return tuple(content.get(name) for name in ("kind", "fingerprint", "experiment", "seed", "code", "profile"))
