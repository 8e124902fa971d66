"""The studies that can be computed in parts, and how each is put together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from tradsys.core.errors import ConfigError
from tradsys.research.calibration import parts as calibration
from tradsys.research.claims import parts as claims
from tradsys.research.parts.stated import StatedPart, stated_parts

_MERGES: Final[dict[str, Callable[..., Path]]] = {
    calibration.KIND: calibration.merge_calibration,
    claims.KIND: claims.merge_claims,
}


@dataclass(frozen=True, slots=True)
class WholeStudy:
    """A study put together: where it lies, and the command that goes on with it."""

    study: str
    n_parts: int
    path: Path
    command: str


def merge_studies(folders: Sequence[Path], out: Path, *, is_any_code: bool = False) -> list[WholeStudy]:
    """Every study of which the folders hold parts, whole below `out`; nothing is written of one that is not whole."""
    stated = stated_parts(folders)
    if not stated:
        raise ConfigError(
            f"merge takes folders with parts of a study, found none in {', '.join(map(str, folders))}; tradsys "
            "calibrate --part 1/3 and tradsys compare --objectives --part 1/3 make them"
        )

    def study(one: StatedPart) -> tuple[str, str]:
        return one.kind, one.study

    wholes = []
    for (kind, name), grouped in groupby(sorted(stated, key=study), key=study):
        parts = list(grouped)
        path = _MERGES[kind](parts, out, is_any_code=is_any_code)
        wholes.append(WholeStudy(f"{kind} {name}", parts[0].part.n, path, parts[0].command_in(out)))
    return wholes
