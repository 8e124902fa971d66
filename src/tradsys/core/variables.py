"""Variables of the environment and of `.env`: which of them are ours, and which were meant to be."""

import difflib
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

from tradsys.core.errors import ConfigError

PREFIX: Final = "TRADSYS_"
DEPLOYED: Final = "STRATEGY_PROFILE"
"""Names the profile that decides; it needs no prefix."""

PROGRAM: Final = frozenset({"TRADSYS_DEBUG"})
"""Variables that steer the program rather than what it computes."""

_AS_GOOD_AS_EQUAL: Final = 0.85
"""Likeness of a mistyped name; `STRATEGY_PROFLE` has 0.97, and nothing of other programs comes near."""


def variables() -> dict[str, Mapping[str, str | None]]:
    """What `.env` in the working directory says, and the environment, by the name of the place; the later one wins."""
    return {".env": dotenv_variables(), "the environment": os.environ}


def dotenv_variables() -> dict[str, str | None]:
    """The variables of `.env` in the working directory; none where there is no such file."""
    if not Path(".env").exists():
        return {}
    from dotenv import dotenv_values

    try:
        return dotenv_values(".env")
    except UnicodeDecodeError as error:
        raise ConfigError(f".env is no UTF-8 ({error}); save it as that") from None


def variable_of(key: str) -> str:
    """The variable that sets a dotted key.

    >>> variable_of("labels.horizon")
    'TRADSYS_LABELS__HORIZON'
    """
    return PREFIX + key.upper().replace(".", "__")


def refuse_mistyped(given: Iterable[str], known: Collection[str], where: str) -> None:
    """A ConfigError for a variable that was meant to be one of ours, such as `STRATEGY_PROFLE`; others are left alone.

    `known` are whole names. What begins with our prefix is looked at as a key, elsewhere.
    """
    for name in given:
        if name in known or name in PROGRAM or name.startswith(PREFIX):
            continue
        meant = _meant(name.upper(), known)
        if meant is not None:
            raise ConfigError(
                f"{where} sets {name}, which nothing reads; did you mean {meant}? rename it if it belongs to another "
                "program"
            )


def _meant(name: str, known: Collection[str]) -> str | None:
    if "__" in name and PREFIX + name in known:
        return PREFIX + name
    near = difflib.get_close_matches(name, known, n=1, cutoff=_AS_GOOD_AS_EQUAL)
    return near[0] if near else None
