"""The command that makes a run again, with every setting that differs from the defaults."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tradsys.core.json_text import read_json
from tradsys.core.settings import flattened
from tradsys.runs.stored import StoredRun
from tradsys.settings.config import RENAMED, RunConfig


@dataclass(frozen=True, slots=True)
class Repetition:
    """The command, line by line, and the settings that this version does not know."""

    lines: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def text(self) -> str:
        """For a shell, broken before each option."""
        return " \\\n  ".join(self.lines)


def repetition(run: StoredRun) -> Repetition:
    """What a shell is given to make the run again, on the same data and with the same code."""
    manifest = run.manifest
    said, unknown = changed_settings(manifest.config)
    lines = [f"tradsys {'rank' if run.kind == 'ranks' else 'run'}"]
    lines += [f"--bars {shlex.quote(source)}" for source in run.metrics.market.sources]
    lines += [f"--seed {manifest.seed}"] if manifest.seed else []
    lines += [f"--set {shlex.quote(f'{key}={value}')}" for key, value in said.items()]
    lines += [f"--hypothesis {manifest.hypothesis}"] if manifest.hypothesis else []
    lines += ["--open-lockbox"] if run.verdict.lockbox else []
    return Repetition(tuple(lines), unknown)


def changed_settings(config: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Settings that differ from the defaults, as --set takes them, and the keys that this version does not know."""
    usual = RunConfig().settings
    said, unknown = {}, []
    for stored, value in flattened(config).items():
        section, _, name = stored.rpartition(".")
        key = f"{RENAMED.get(section, section)}.{name}" if section else name
        if key == "seed" or key.startswith("machine.") or (key in usual and usual[key] == value):
            continue
        if key in usual:
            said[key] = as_given(value)
        elif section:
            unknown.append(stored)
    return said, tuple(unknown)


def as_given(value: Any) -> str:
    """A value as the command line reads it: plain text where that is what it means, else JSON.

    >>> as_given(6), as_given(["a", "b"]), as_given("a"), as_given("6"), as_given(None)
    ('6', '["a", "b"]', 'a', '"6"', 'null')
    """
    if isinstance(value, str) and "," not in value and not _is_json(value):
        return value
    return json.dumps(value)


def _is_json(text: str) -> bool:
    try:
        read_json(text)
    except ValueError:
        return False
    return True
