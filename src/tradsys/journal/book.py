"""The ledger read as a journal: what was tried on each market, what came of it, and who is champion."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tradsys.journal.chain import LedgerEntry, in_time
from tradsys.journal.entries import RESTORED
from tradsys.journal.ledger import Ledger

UNNAMED = "unnamed"

_UNFINISHED = {"failure": "a run that could not be fitted", "unwritten": "a run whose folder could not be written"}
"""Kinds of entries of runs that came to no end, and what they are called."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A hypothesis that a run looked at; `was_first` says that it was written down before any result of that run."""

    name: str
    text: str
    expect: str
    was_first: bool


@dataclass(frozen=True, slots=True)
class Idea:
    """Something tried: a finished run, one that came to no end, or a hypothesis that no run has looked at yet.

    `results` are `entries.Result` as plain values, a profile each; `decision` is the last one that
    was recorded on it. `decided` says who decided with which profile, in sentences, and
    `changed` which settings differed from their defaults; `title` has them too.
    """

    name: str
    kind: str
    at: str
    title: str
    guesses: tuple[Guess, ...] = ()
    results: Mapping[str, Mapping[str, Any]] | None = None
    lockbox: Mapping[str, Mapping[str, Any]] | None = None
    reason: str = ""
    n_trials: int | None = None
    decision: Mapping[str, Any] | None = None
    decided: tuple[str, ...] = ()
    changed: Mapping[str, Any] | None = None

    @property
    def is_negative(self) -> bool:
        """Whether it failed: decided so, or, without a decision, every profile refuted or the fit impossible."""
        if self.decision is not None:
            return bool(self.decision["decision"] == "negative")
        refuted = bool(self.results) and all(one["verdict"] == "refuted" for one in (self.results or {}).values())
        return refuted or self.kind == "failure"


@dataclass(frozen=True, slots=True)
class MarketBook:
    """One market's part of the journal; `n_trials` is the K that a verdict on all of its months would count now."""

    name: str
    also_known_as: tuple[str, ...]
    n_trials: int
    n_design_looks: int
    n_openings: int
    n_tuning: int
    head: str
    champion: Mapping[str, Any] | None
    ideas: tuple[Idea, ...]


def read_book(ledger: Ledger) -> list[MarketBook]:
    """Every market of the ledger, in the order in which they first appear, ideas in the order they were tried."""
    groups = same_data([entry for entry in ledger.entries() if entry.kind != RESTORED])
    names = [name for name, _, _ in groups]
    return [
        _market(ledger, name if names.count(name) == 1 else f"{name} ({_data_name(entries)})", name, blocks, entries)
        for name, blocks, entries in groups
    ]


def reigning(ledger: Ledger, market: str, blocks: Iterable[str]) -> LedgerEntry | None:
    """The champion's entry for a market: the latest under this name on data that share a month with these."""
    seats = [e for e in ledger.entries_on(list(blocks)) if e.kind == "champion" and e.content.get("market") == market]
    return in_time(seats)[-1] if seats else None


def same_data(entries: Sequence[LedgerEntry]) -> list[tuple[str, set[str], list[LedgerEntry]]]:
    """Entries of one name whose data share months, directly or through others: the name, the months, the entries."""
    groups: list[tuple[str, set[str], list[LedgerEntry]]] = []
    for entry in entries:
        name, blocks = str(entry.content.get("market", UNNAMED)), set(entry.content.get("blocks", ()))
        touching = [group for group in groups if group[0] == name and not group[1].isdisjoint(blocks)]
        if not touching:
            groups.append((name, blocks, [entry]))
            continue
        first, *rest = touching
        first[1].update(blocks, *(group[1] for group in rest))
        first[2].extend([*(e for group in rest for e in group[2]), entry])
        groups = [group for group in groups if group not in rest]
    order = {entry.hash: k for k, entry in enumerate(entries)}
    return [(name, blocks, sorted(held, key=lambda e: order[e.hash])) for name, blocks, held in groups]


def _data_name(entries: Sequence[LedgerEntry]) -> str:
    first = entries[0].content
    return str(first.get("fingerprint") or min(first.get("blocks", ["no data"])))[:8]


def _market(ledger: Ledger, shown: str, name: str, blocks: set[str], entries: Sequence[LedgerEntry]) -> MarketBook:
    design = max((int(e.content["n_design_looks"]) for e in entries if e.kind == "run"), default=0)
    champion = reigning(ledger, name, blocks)
    others = {str(e.content.get("market", UNNAMED)) for e in ledger.entries_on(blocks)} - {name}
    return MarketBook(
        name=shown,
        also_known_as=tuple(sorted(others)),
        n_trials=ledger.n_trials_on(blocks) + design,
        n_design_looks=design,
        n_openings=sum(e.kind == "lockbox" for e in ledger.entries_on(blocks)),
        n_tuning=sum(e.kind == "tuning" for e in entries),
        head=ledger.head_for(blocks),
        champion=None if champion is None else {**champion.content, "at": champion.at},
        ideas=tuple(_ideas(ledger, entries)),
    )


def _ideas(ledger: Ledger, entries: Sequence[LedgerEntry]) -> Iterable[Idea]:
    """One market's ideas; hypotheses, looks at them and decisions may stand under another market's name."""
    position = {entry.content_hash: k for k, entry in enumerate(ledger.entries())}
    hypotheses = {e.content_hash: e for e in ledger.entries("hypothesis")}
    looks = ledger.entries("look")
    looked_at = {str(e.content["hypothesis"]) for e in looks}
    decisions = {str(e.content["subject"]): e for e in in_time(ledger.entries("decision"))}
    finished = {str(e.content["run"]) for e in entries if e.kind == "run"}

    def last(*subjects: str) -> dict[str, Any] | None:
        made = [decisions[name] for name in subjects if name in decisions]
        made.sort(key=lambda entry: position[entry.content_hash])
        return {**in_time(made)[-1].content, "at": in_time(made)[-1].at} if made else None

    for entry in entries:
        content = entry.content
        if entry.kind == "hypothesis" and entry.content_hash not in looked_at:
            guess, made = _guess(entry, was_first=True), last(entry.content_hash)
            yield Idea(entry.content_hash, "hypothesis", entry.at, guess.text, (guess,), decision=made)
        if entry.kind not in ("run", *_UNFINISHED) or (entry.kind in _UNFINISHED and content["run"] in finished):
            continue
        run = str(content["run"])
        asked = [str(e.content["hypothesis"]) for e in looks if e.content["run"] == run]
        guesses = tuple(
            _guess(hypotheses[name], was_first=position[name] < position[entry.content_hash]) for name in asked
        )
        boxes = {e.content["profile"]: e.content["result"] for e in _of_run(entries, "lockbox result", run)}
        yield Idea(
            name=run,
            kind=entry.kind,
            at=entry.at,
            title=_title(content),
            changed=content.get("changed"),
            guesses=guesses,
            results=content.get("results"),
            lockbox=boxes or None,
            reason=str(content.get("reason", "")),
            n_trials=content.get("n_trials"),
            decision=last(run, *asked),
            decided=tuple(content.get("decided", ())),
        )


def _title(content: Mapping[str, Any]) -> str:
    """What was run, with the settings that differ from their defaults; earlier versions did not write them down."""
    title = str(content.get("title") or _UNFINISHED[content["kind"]])
    changed = content.get("changed")
    if changed is None:
        return title
    named = {key: value for key, value in changed.items() if key != "agent.name" or "title" not in content}
    shown = ", ".join(f"{key}={_plain(value)}" for key, value in named.items())
    return f"{title}; {shown or 'default settings'}"


def _plain(value: Any) -> str:
    """A value as `--set` takes it."""
    return value if isinstance(value, str) else json.dumps(value)


def _of_run(entries: Sequence[LedgerEntry], kind: str, run: str) -> list[LedgerEntry]:
    return [entry for entry in entries if entry.kind == kind and entry.content["run"] == run]


def _guess(entry: LedgerEntry, *, was_first: bool) -> Guess:
    return Guess(entry.content_hash, str(entry.content["text"]), str(entry.content["expect"]), was_first)
