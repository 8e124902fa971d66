"""What a command line needs beside the code: files, stored series, variables, and where its results belong."""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tradsys.core.errors import ConfigError
from tradsys.data.many import files_of
from tradsys.data.settings import DataSettings
from tradsys.data.store.series import SeriesId
from tradsys.data.store.store import SeriesStore
from tradsys.remote.settings import SECRETS

_STORED = re.compile(r"[a-z][a-z0-9_-]*:[^:\s/?]+/[^:\s?]+(:[^:\s?]+)*")
_OUTSIDE = "outside"


@dataclass(slots=True)
class TakenFiles:
    """Files below one folder here, and the folder of the job in which they shall lie ("" is its working folder)."""

    root: Path
    prefix: str
    names: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A command line as it is typed on the host, and all that goes with it.

    `series` are stored ones, below `store`; `absent` are those that the store here does not hold. `out` and `journal`
    are folders of this machine; `has_journal` says that the command takes one.
    """

    words: tuple[str, ...] = ()
    batches: tuple[TakenFiles, ...] = ()
    series: tuple[SeriesId, ...] = ()
    store: str = ""
    absent: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    out: Path = Path("runs")
    journal: Path = Path("journal")
    has_journal: bool = False

    @property
    def taken(self) -> list[str]:
        """Every file of the job, relative to its working folder."""
        return sorted({f"{one.prefix}{name}" for one in self.batches for name in one.names})


def gather_files(specs: Iterable[str], words: Sequence[str], here: Path) -> tuple[list[TakenFiles], list[str]]:
    """The files that texts name, by folder, and the words with the names that these files have on the host.

    Files below this folder keep their names. Others are named by a word of the command line, and get a folder of their
    own; a settings file that names one is a ConfigError.
    """
    batches: dict[str, TakenFiles] = {}
    renamed = list(words)
    for place in dict.fromkeys(place for spec in specs for place in _places(spec)):
        typed = _absolute(place)
        inside = typed.is_relative_to(here)
        root = here if inside else typed.parent
        prefix = "" if inside else f"{_OUTSIDE}/{hashlib.sha256(str(root).encode()).hexdigest()[:8]}/"
        if not inside:
            if not any(place in word for word in words):
                raise ConfigError(
                    f"{place}, which a settings file or a variable names, lies outside of {here}: on the host its name "
                    "would be another; put it below this folder, or name it on the command line"
                )
            renamed = [word.replace(place, prefix + typed.name) for word in renamed]
        batch = batches.setdefault(prefix, TakenFiles(root, prefix))
        found = list(_files(place))
        for one in found:
            if SECRETS.fullmatch(one.name) or SECRETS.fullmatch(one.resolve().name):
                raise ConfigError(f"{one} holds secrets and never leaves this machine; name no folder or file with it")
        batch.names += [os.path.relpath(one, root) for one in found]
    return [TakenFiles(one.root, one.prefix, sorted(set(one.names))) for one in batches.values()], renamed


def gather_series(specs: Iterable[str], settings: DataSettings) -> tuple[list[SeriesId], list[str]]:
    """The stored series that texts name, with those that another interval can be made of; and names without any."""
    named = [place for spec in specs for place in _candidates(spec) if _STORED.fullmatch(place)]
    if not named or "://" in settings.root:
        return [], []
    stored = SeriesStore(settings.root).series()
    found: dict[SeriesId, None] = {}
    absent = []
    for name in dict.fromkeys(named):
        mine = [one for one in stored if f"{name}:".startswith(f"{one.exchange}:{one.symbol}:")]
        longest = max((len(one.symbol) for one in mine), default=0)
        mine = [one for one in mine if len(one.symbol) == longest]  # BTC/USDT:USDT is no interval of BTC/USDT
        exact = [one for one in mine if str(one) == name]
        found |= dict.fromkeys(exact or mine)
        if not mine:
            absent.append(name)
    return list(found), absent


def _places(spec: str) -> Iterator[str]:
    """The parts of a text that name files which are there."""
    for text in spec.split("|"):
        yield from [place for place in _candidates(text) if _is_there(place)][:1]


def _candidates(text: str) -> Iterator[str]:
    """A text as it is, and without what may stand around a file's name: NAME= and bars: before it, ?query behind it."""
    for piece in text.split("|"):
        for one in (piece, piece.partition("=")[2]):
            for bare in (one, one.removeprefix("bars:")):
                yield from (place for place in (bare, bare.rpartition("?")[0]) if place)


def _is_there(place: str) -> bool:
    try:
        return Path(place).expanduser().exists() or bool("*" in place and files_of(place))
    except (ConfigError, OSError, RuntimeError):
        return False


def _files(place: str) -> Iterator[Path]:
    path = _absolute(place)
    if path.is_dir():
        below = (one for one in sorted(path.rglob("*")) if one.is_file())
        yield from (one for one in below if not any(p.startswith(".") for p in one.relative_to(path).parts))
    elif path.exists():
        yield path
    else:
        yield from (_absolute(str(one)) for one in files_of(place))


def _absolute(place: str) -> Path:
    """The path from / on; links stay what they are called."""
    return Path(os.path.normpath(Path.cwd() / Path(place).expanduser()))
