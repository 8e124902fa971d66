"""What a part of a study was asked for, in a file beside its results, so that it can be told what is missing."""

import hashlib
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tradsys.core.errors import DataError
from tradsys.core.files import write_atomically
from tradsys.core.json_text import canonical_json, pretty_json, read_json
from tradsys.research.parts.part import Part


@dataclass(frozen=True, slots=True)
class TypedCommand:
    """The command that made a part, without --part and --out, and what was given for --out."""

    command: str
    out: str


@dataclass(frozen=True, slots=True)
class StatedPart:
    """One part: the study it belongs to, the command that makes the whole, and the names of the part's results.

    `kind` says what sort of study it is, `study` which one, `asked` is a hash of all that the whole study is to hold.
    `command` is without --part and --out; the latter is `out`, which holds the `folder`.
    """

    kind: str
    study: str
    part: Part
    asked: str
    command: str
    out: str
    keys: tuple[str, ...]
    folder: Path

    @classmethod
    def of(
        cls, kind: str, study: str, part: Part, *, asked: Any, typed: "TypedCommand", keys: Iterable[str], folder: Path
    ) -> Self:
        """A part of what was `asked`: any values that say it, the same for every part."""
        digest = hashlib.sha256(canonical_json(asked).encode()).hexdigest()[:16]
        return cls(kind, study, part, digest, typed.command, typed.out, tuple(sorted(keys)), folder)

    @classmethod
    def read(cls, path: Path) -> Self:
        try:
            known: Mapping[str, Any] = read_json(path.read_text())
            text = {name: str(known[name]) for name in ("kind", "study", "asked", "command", "out")}
            return cls(**text, part=Part.of(known["part"]), keys=tuple(known["keys"]), folder=path.parent)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{path} does not say what a part of a study was asked for ({error!r}); delete it, make the part again"
            ) from None

    @property
    def path(self) -> Path:
        return self.folder / f"{self.study}.{self.part.label}.json"

    def write(self) -> None:
        """Put it beside the part's results, before any of them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        names = ("kind", "study", "asked", "command", "out", "keys")
        told = {name: getattr(self, name) for name in names} | {"part": str(self.part)}
        write_atomically(self.path, pretty_json(told).encode())

    def command_of(self, part: Part) -> str:
        """The command that makes a part, or goes on with it."""
        return f"{self.command_in(self.out)} --part {part}"

    def command_in(self, out: str | Path) -> str:
        """The command of the whole, which goes on with what lies in `out`."""
        return f"{self.command} --out {shlex.quote(str(out))}"


def stated_parts(folders: Sequence[Path]) -> list[StatedPart]:
    """All parts of any study in these folders, and in folders of theirs."""
    paths = {path.resolve() for folder in folders for path in folder.rglob("*.part-*-of-*.json")}
    return [StatedPart.read(path) for path in sorted(paths)]
