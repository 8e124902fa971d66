"""The verdict in words and one card a profile, best first."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tradsys.report.axis import Axis
from tradsys.report.folder import Json, RunFiles, section
from tradsys.report.numbers import MINUS, count, days, is_known, number, p_value

RANKS = {"proven": 0, "not proven": 1, "refuted": 2}
WORDS = {"proven": "Proven", "not proven": "Not proven", "refuted": "Refuted"}


@dataclass(frozen=True, slots=True)
class Leg:
    """One of the two questions that a verdict asks."""

    question: str
    p: str
    is_passed: bool | None


@dataclass(frozen=True, slots=True)
class SharpeBar:
    """The net Sharpe ratio and its interval as places on a scale that all cards share, in percent of its width."""

    point: float | None
    low: float | None
    high: float | None
    zero: float
    detectable: float | None


@dataclass(frozen=True, slots=True)
class Card:
    """What the report says of one profile before anything else."""

    name: str
    verdict: str
    word: str
    sentence: str
    record: str
    description: str
    is_deployed: bool
    sharpe: str
    interval: str
    bar: SharpeBar | None
    n_trades: str
    n_days: str
    upper_bound: str
    legs: tuple[Leg, ...]
    p: str
    beside: tuple[tuple[str, str, str], ...]
    never_fired: str


@dataclass(frozen=True, slots=True)
class Headline:
    """The run's answer: the best profile's verdict and a sentence."""

    word: str
    verdict: str
    sentence: str
    below: str


def profile_names(run: RunFiles) -> list[str]:
    """Every profile that the run knows, best verdict first, then smallest p, then largest Sharpe ratio."""
    verdicts = section(run.verdict, "profiles")
    names = dict.fromkeys((*verdicts, *section(run.metrics, "profiles")))

    def standing(name: str) -> tuple[int, float, float, str]:
        own = section(verdicts, name)
        p, sharpe = own.get("p"), own.get("sharpe")
        rank = RANKS.get(str(own.get("verdict")), len(RANKS))
        return rank, p if is_known(p) else 2.0, -sharpe if is_known(sharpe) else 1e9, name

    return sorted(names, key=standing)


def headline(run: RunFiles, names: Sequence[str]) -> Headline:
    """The best profile's verdict; a run without one says so."""
    judged = [name for name in names if section(run.verdict, "profiles", name).get("verdict") in RANKS]
    if not judged:
        return Headline("No verdict", "none", str(run.verdict.get("sentence") or "No profile was judged."), "")
    best = section(run.verdict, "profiles", judged[0])
    verdict = str(best["verdict"])
    among = f", the best of {len(judged)} profiles" if len(judged) > 1 and is_known(best.get("p")) else ""
    if run.verdict.get("sentence"):
        return Headline(
            WORDS[verdict], verdict, str(run.verdict["sentence"]), f"{judged[0]}{among}: p {p_value(best.get('p'))}."
        )
    said, record = _spoken(best)
    return Headline(
        WORDS[verdict], verdict, f"{judged[0]}{among}: {said[:1].lower()}{said[1:]}" if said else "", record
    )


def cards(run: RunFiles, names: Sequence[str]) -> list[Card]:
    """One card a profile, in the order given."""
    intervals = {name: _sharpe(run, name) for name in names}
    axis = _sharpe_axis(list(intervals.values()), run.verdict.get("detectable_sharpe"))
    return [_card(run, name, intervals[name], axis) for name in names]


def alpha(run: RunFiles) -> float:
    """The largest p that proves: the run's own setting, or the procedure's 5%."""
    own = section(run.manifest, "config", "verdict").get("alpha")
    return own if isinstance(own, float) else 0.05


def never_fired(metrics: Json, n_trades: Any) -> str:
    """Why a profile has no trades, in one sentence; empty where it has some."""
    if not is_known(n_trades) or n_trades > 0:
        return ""
    seen, wanted = metrics.get("highest_confidence"), metrics.get("n_decisions")
    if is_known(wanted) and wanted > 0:
        return f"Never filled: it wanted to enter {count(wanted)} times, too late to end within the test."
    return f"Never fired: the highest confidence it saw was {seen:.3f}." if is_known(seen) else "Never fired."


def _card(run: RunFiles, name: str, interval: tuple[Any, Any, Any], axis: Axis) -> Card:
    own, metrics = section(run.verdict, "profiles", name), section(run.metrics, "profiles", name)
    verdict = str(own.get("verdict") or "none")
    sharpe, low, high = interval
    has_interval = is_known(low) and is_known(high)
    silent = never_fired(metrics, own.get("n_trades"))
    sentence, record = _spoken(own)
    return Card(
        name=name,
        verdict=verdict if verdict in RANKS else "none",
        word=WORDS.get(verdict, "Not judged"),
        sentence=sentence,
        record=record,
        description=str(metrics.get("description") or ""),
        is_deployed=run.manifest.get("deployed_profile") == name,
        sharpe="" if silent else number(sharpe),
        interval=f"{number(low)} to {number(high)}" if has_interval else "",
        bar=None
        if silent or not is_known(sharpe)
        else SharpeBar(
            point=axis.place(sharpe),
            low=axis.place(low) if has_interval else None,
            high=axis.place(high) if has_interval else None,
            zero=axis.place(0.0),
            detectable=_optional_place(axis, run.verdict.get("detectable_sharpe")),
        ),
        n_trades=count(own.get("n_trades")),
        n_days=count(own.get("n_days")),
        upper_bound=number(own.get("upper_bound")),
        legs=(
            _leg("Money after costs", own.get("p_net"), alpha(run)),
            _leg("Beats random entries", own.get("p_skill"), alpha(run)),
        ),
        p=p_value(own.get("p")),
        beside=(
            (
                "PSR",
                p_value(own.get("psr")),
                "probabilistic Sharpe ratio: the chance that the true Sharpe is above zero",
            ),
            ("DSR", p_value(own.get("dsr")), "the same, deflated for the number of trials"),
            ("MinTRL", days(own.get("min_track_record_days")), "minimum track record length at this Sharpe ratio"),
        ),
        never_fired=silent,
    )


def _spoken(own: Json) -> tuple[str, str]:
    """A profile's sentence and the record it rests on, without the verdict's word and that it never fired.

    The card shows these two anyway. The record is what the sentence lists in its last brackets.
    """
    said = str(own.get("sentence") or "").removeprefix(f"{own.get('verdict')}: ").partition("; it never fired")[0]
    listed = re.fullmatch(r"(.*\S) \(([^()]*, [^()]*)\)\.?", said)
    return (_as_sentence(listed[1]), _as_sentence(listed[2])) if listed else (_as_sentence(said), "")


def _as_sentence(said: str) -> str:
    said = re.sub(r"(?<= )-(?=\d)", MINUS, said[:1].upper() + said[1:])
    return said if not said or said.endswith((".", "!", "?")) else f"{said}."


def _leg(question: str, p: Any, largest: float) -> Leg:
    return Leg(question, p_value(p), p <= largest if is_known(p) else None)


def _sharpe(run: RunFiles, name: str) -> tuple[Any, Any, Any]:
    measured = section(run.metrics, "profiles", name, "metrics", "sharpe")
    if is_known(measured.get("value")):
        return measured["value"], measured.get("low"), measured.get("high")
    return section(run.verdict, "profiles", name).get("sharpe"), None, None


def _sharpe_axis(intervals: Sequence[tuple[Any, Any, Any]], detectable: Any) -> Axis:
    """One scale for all cards; beyond a Sharpe ratio of six either way an interval runs off the edge."""
    values = [value for interval in intervals for value in (*interval,) if is_known(value)]
    values += [detectable] if is_known(detectable) else []
    return Axis.around([max(-6.0, min(6.0, value)) for value in values] + [-1.0, 1.0])


def _optional_place(axis: Axis, value: Any) -> float | None:
    return axis.place(value) if is_known(value) else None
