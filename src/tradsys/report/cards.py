"""The verdict in words and one card a profile, best first."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tradsys.report.numbers import MINUS, Axis, count, days, interval_text, is_known, number, p_value, percent
from tradsys.report.selection import sharpe_axis
from tradsys.runs.metrics import ProfileMetrics, why_never
from tradsys.runs.section import Number
from tradsys.runs.stored import StoredRun
from tradsys.runs.unfilled import unfilled_sentence
from tradsys.runs.verdict import ProfileJudgement
from tradsys.verdict.delay import KEPT

ORDER = {"proven": 0, "not proven": 1, "refuted": 2}
WORDS = {"proven": "Proven", "not proven": "Not proven", "refuted": "Refuted"}


@dataclass(frozen=True, slots=True)
class LegResult:
    """One of the questions that a verdict asks."""

    question: str
    found: str
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
    legs: tuple[LegResult, ...]
    p: str
    statistics: tuple[tuple[str, str, str], ...]
    never_fired: str
    lately: str
    unfilled: str


@dataclass(frozen=True, slots=True)
class Headline:
    """The run's answer: the best profile's verdict and a sentence."""

    word: str
    verdict: str
    sentence: str
    below: str


def profile_names(run: StoredRun) -> list[str]:
    """Every profile of the run, as `best_first` has them."""
    return best_first(run.verdict.profiles)


def best_first(profiles: Mapping[str, ProfileJudgement]) -> list[str]:
    """Best verdict first, then smallest p, then largest Sharpe ratio.

    What is proven until a date comes behind what is proven still.
    """

    def standing(name: str) -> tuple[int, bool, float, float, str]:
        own = profiles[name]
        p = own.p if is_known(own.p) else 2.0
        return ORDER[own.verdict], own.until is not None, p, -own.sharpe if is_known(own.sharpe) else 1e9, name

    return sorted(profiles, key=standing)


def headline(run: StoredRun, names: Sequence[str]) -> Headline:
    """The best profile's verdict; a run without one says so."""
    if not names:
        return Headline("No verdict", "none", "No profile was judged.", "")
    best = run.verdict.profiles[names[0]]
    among = f", the best of {len(names)} profiles" if len(names) > 1 and is_known(best.p) else ""
    sentence, record = _sentence_and_record(best)
    lead = f"{names[0]}{among}: {sentence[:1].lower()}{sentence[1:]}" if sentence else ""
    return Headline(_word(best), best.verdict, lead, record)


def cards(run: StoredRun, names: Sequence[str]) -> list[Card]:
    """One card a profile, in the order given."""
    axis = sharpe_axis([*(end for name in names for end in _sharpe(run, name)), run.verdict.detectable_sharpe])
    return [_card(run, name, axis) for name in names]


def alpha(run: StoredRun) -> float:
    """The largest p that proves: the run's own setting, or the procedure's 5%."""
    own = (run.manifest.config.get("verdict") or {}).get("alpha")
    return own if isinstance(own, float) else 0.05


def never_fired(metrics: ProfileMetrics, n_trades: int) -> str:
    """Why a profile has no trades, in one sentence; empty where it has some."""
    if n_trades > 0:
        return ""
    if metrics.n_decisions > 0:
        wanted = f"Never filled: it wanted to enter {count(metrics.n_decisions)} times"
        return f"{wanted}." if unfilled_sentence(metrics) else f"{wanted}, too late to end within the test."
    why = why_never(metrics.highest_confidence, metrics.stayed_out)
    return f"Never fired: {why}." if why else "Never fired."


def _card(run: StoredRun, name: str, axis: Axis) -> Card:
    own, metrics = run.verdict.profiles[name], run.metrics.profiles[name]
    sharpe, low, high = _sharpe(run, name)
    interval = interval_text(low, high)
    silent = never_fired(metrics, own.n_trades)
    sentence, record = _sentence_and_record(own)
    return Card(
        name=name,
        verdict=own.verdict,
        word=_word(own),
        sentence=sentence,
        record=record,
        description=metrics.description,
        is_deployed=run.manifest.deployed_profile == name,
        sharpe="" if silent else number(sharpe),
        interval=interval,
        bar=None
        if silent or not is_known(sharpe)
        else SharpeBar(
            point=axis.place(sharpe),
            low=axis.place_known(low) if interval else None,
            high=axis.place_known(high) if interval else None,
            zero=axis.place(0.0),
            detectable=axis.place_known(run.verdict.detectable_sharpe),
        ),
        n_trades=count(own.n_trades),
        n_days=count(own.n_days),
        upper_bound=number(own.upper_bound),
        legs=(
            _leg("Money after costs", own.p_net, alpha(run)),
            _leg("More than the market made", own.p_alpha, alpha(run)),
            _leg("Beats random entries", own.p_skill, alpha(run)),
            _late(own, alpha(run)),
        ),
        p=p_value(own.p),
        statistics=(
            (
                "PSR",
                p_value(own.psr),
                "probabilistic Sharpe ratio: the chance that the true Sharpe is above zero",
            ),
            ("DSR", p_value(own.dsr), "the same, deflated for the number of trials"),
            ("MinTRL", days(own.min_track_record_days), "minimum track record length at this Sharpe ratio"),
        ),
        never_fired=silent,
        lately="" if silent else _lately(own),
        unfilled=_as_sentence(unfilled_sentence(metrics)),
    )


def _word(own: ProfileJudgement) -> str:
    """The verdict as a title, with the day until which it holds."""
    return WORDS[own.verdict] if own.until is None else f"{WORDS[own.verdict]} until {own.until}"


def _sentence_and_record(own: ProfileJudgement) -> tuple[str, str]:
    """A profile's sentence and the record it rests on, without the verdict's word and that it never fired.

    The card shows these two anyway. The record is what the sentence lists in its last brackets.
    """
    sentence = own.sentence.removeprefix(f"{own.standing}: ").partition("; it never fired")[0]
    listed = re.fullmatch(r"(.*\S) \(([^()]*, [^()]*)\)\.?", sentence)
    return (_as_sentence(listed[1]), _as_sentence(listed[2])) if listed else (_as_sentence(sentence), "")


def _as_sentence(words: str) -> str:
    words = re.sub(r"(?<= )-(?=\d)", MINUS, words[:1].upper() + words[1:])
    return words if not words or words.endswith((".", "!", "?")) else f"{words}."


def _leg(question: str, p: Number, largest: float) -> LegResult:
    return LegResult(question, f"p {p_value(p)}", p <= largest if is_known(p) else None)


def _late(own: ProfileJudgement, largest: float) -> LegResult:
    """Whether enough is left with every order one bar later, and more than luck leaves where that was asked."""
    kept = own.kept_late
    if not is_known(kept):
        return LegResult("One bar later", "", None)
    found = f"keeps {percent(kept)}" if kept > 0 else "keeps nothing"
    if kept < KEPT or not is_known(own.p_late):
        return LegResult("One bar later", found, kept >= KEPT)
    return LegResult("One bar later", f"{found}, p {p_value(own.p_late)}", own.p_late <= largest)


def _lately(own: ProfileJudgement) -> str:
    """The last third of the record alone, in a line."""
    part = own.lately
    if part is None:
        return ""
    rests_on = f"{count(part.n_trades)} trades in {count(part.n_days)} days"
    if not is_known(part.sharpe):
        return f"Since {part.since} alone: the account did not move, {rests_on}"
    interval = interval_text(part.low, part.high) or "without an interval"
    return f"Since {part.since} alone: net Sharpe {number(part.sharpe)} {interval}, {rests_on}"


def _sharpe(run: StoredRun, name: str) -> tuple[Number, Number, Number]:
    measured = run.metrics.profiles[name].metrics["sharpe"]
    if is_known(measured.value):
        return measured.value, measured.low, measured.high
    return run.verdict.profiles[name].sharpe, None, None
