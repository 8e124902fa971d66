"""The calibration as a page of the docs, and as the figures that every report quotes."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from tradsys.core.errors import ConfigError
from tradsys.research.calibration.rates import LEGS
from tradsys.research.calibration.scenarios import PRESETS, SCENARIOS
from tradsys.verdict.error_rates import FILE

_PAGE = Path("docs") / "calibration.md"
_FIGURES = Path("src") / "tradsys" / "verdict" / FILE

_ABOUT = """# How often the verdict is wrong

`tradsys calibrate` runs the whole flow, choices included, on simulated markets whose truth is known: five hourly years
each, the last one left closed, six folds over three years, four profiles. Brackets hold the exact 95% interval
(Clopper-Pearson), and n is the number of markets. The `fast` preset runs the same `run_experiment` with the ridge
logistic alone, volatility thirds for the hidden Markov model and a logistic auditor; the `full` preset is the default
experiment. No bound is claimed that n cannot show. Every market's line lies in `measurements/calibration/`, from where
`tradsys calibrate --out measurements/calibration` goes on.

Markets: [simulated-markets.md](simulated-markets.md) says what each is and what a trader can collect there. `noise` has
GARCH volatility with fat tails, `sv` stochastic volatility, `bull` a drift of Sharpe 1.5 for longs only; `-free` is
without costs. In `edge:S` a rule that knows the signal earns an annual net Sharpe ratio of S after costs; `edge:0` has
skill that only pays the costs, and `bull-edge:0` the same with a drift of Sharpe 2.5, for both sides and `-long`.
From `ticks` to `survivors` bars promise what no trader is paid. `stale-ranks` is for `tradsys rank`, contrarian over 24
bars, one trial a market; `misaligned` pools are run with the features of ranks among their symbols, and a run that
refuses them is right. In `decay` an edge of Sharpe 3 ends half-way through the history.

Among 20 and 100 trials, the further ones are 4 or 24 logistic models of six random columns (every other one trained on
the last year alone), with four rules each. They share the experiment's features, labels and folds and are refitted from
common sums; challengers, the auditor and the calibration of the probabilities are not part of them.

Where a training part shows no skill, the calibration's slope is zero, all confidences tie, and the profiles that read
ranks sit that fold out ("silent folds"). Breaking the ties by the raw score instead was tried on 24 paired markets
each of `edge:1` (13 proven either way, mean Sharpe ratio .69 and .68) and `noise-free` (none proven either way, 22%
more trades, mean Sharpe ratio -.27 and -.36): it gained nothing, so silence stays.

Some fast markets of one symbol are judged among 20 and 100 trials too, chosen by their number before they are drawn
(`--rivals-every`). How many markets a round tries is fixed before it begins. The markets of the full preset are older
than the spread that is charged by default and than the questions of alpha and delay; they had only the plain kinds. A
transformer challenged the logistic in them, as it did by default until 2026-12-01.

Where most trials that pass the other questions are gone one bar later, what is left of a trial has to be beyond luck
too. Before that was asked, 5 and 6 of 60 `bounce` markets were proven among 20 and 100 trials, and none of 112 among 4.
It can only take a proof away: markets without one stand as an earlier version measured them, and so do the edges, of
which all 41 of `edge:1` and `edge:2` with a profile proven among 20 or 100 trials were judged again and kept it. Among
four trials two markets lost theirs: one of `thin`, and one of `edge:2`.

What these changed: with fees alone, fills in any bar, no comparison of time stamps and the questions of money and
timing alone, the fast preset called so many markets proven (seeds from 1,000,000 on, `bounce` at 20 bp):

| market | proven before |
| --- | --- |
| bull-edge:0 | 2 of 12 [2%, 48%] |
| bull-edge:0-long | 2 of 12 [2%, 48%] |
| ticks:1 | 11 of 12 [62%, 100%] |
| ticks:0.4 | 6 of 12 [21%, 79%] |
| ticks:0.2 | 3 of 12 [5%, 57%] |
| bounce | 0 of 12 [0%, 26%] |
| rounded | 6 of 12 [21%, 79%] |
| illiquid | 12 of 12 [74%, 100%] |
| wash | 12 of 12 [74%, 100%] |
| spread-regimes | 0 of 12 [0%, 26%] |
| weekends | 0 of 12 [0%, 26%] |
| averaged | 12 of 12 [74%, 100%] |
| survivors | 0 of 12 [0%, 26%] |
| stale-ranks | 12 of 12 [74%, 100%] |
| misaligned | 11 of 11 [72%, 100%] |
| decay | 4 of 12 [10%, 65%] |
"""


_FALSE_PROOFS = (
    "**False proofs**, nominal 5%: any of the K trials is called proven where there is no edge (K = 1 for ranks), and "
    "what the upper bound of that may be at most; how often one is proven until a date, which is right where the edge "
    "has died and only there; how often the run refuses its bars."
)
_POWER = (
    "**Power**: one of the run's own four profiles is proven; in brackets what the formula Phi(S sqrt(years) - "
    "z(1 - .05/K)) allows, of which at most ten points may be missing; and what it must reach at least."
)
_LEGS = (
    "**What each question costs**, K = 4: a profile passes the questions of the verdict, one more at a time. Where "
    "there is an edge, what is lost from left to right is power; where there is none, it is false proofs."
)


def publish_summary(summary: Mapping[str, Any], root: Path, *, today: date) -> None:
    """Put the summary in the place of its preset's earlier one, and write page and figures below the source tree."""
    figures = root / _FIGURES
    if not figures.is_file():
        raise ConfigError(f"--publish takes the root of the source tree, found no {_FIGURES} below {root}")
    stored = json.loads(figures.read_text()) | {summary["preset"]: {**summary, "date": today.isoformat()}}
    figures.write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n")
    parts = [render({**stored[preset]}) for preset in PRESETS if preset in stored]
    (root / _PAGE).write_text("\n".join([_ABOUT, *parts]))


def render(summary: Mapping[str, Any]) -> str:
    """Tables of one preset in Markdown; markets and questions in their own order, whatever that of the summary."""
    place = {scenario.name: k for k, scenario in enumerate(SCENARIOS)}
    cells: Mapping[str, Any] = dict(sorted(summary["cells"].items(), key=lambda one: place.get(one[0], len(place))))
    without = {name: cell for name, cell in cells.items() if "limit" in cell}
    edges = {name: cell for name, cell in cells.items() if "formula" in cell}
    when = f", {summary['date']}" if "date" in summary else ""
    versions = summary["n_code_versions"]
    by = f", by {versions} versions of the code" if versions > 1 else ""
    lines = [f"## The {summary['preset']} preset: {summary['n_markets']:,} markets{by}{when}", ""]
    if without:
        lines += [_FALSE_PROOFS, ""]
        lines += _table(
            ("market", *(f"K = {k}" for k in _trials(without)), "proven until a date", "refused", "at most", "so far"),
            (
                (
                    n,
                    *(_rate(c["proven"].get(k)) for k in _trials(without)),
                    *(_rate(c[kind]) if c[kind]["k"] else "-" for kind in ("until", "refused")),
                    f"{c['limit']:.0%}",
                    _standing(c),
                )
                for n, c in without.items()
            ),
        )
    if edges:
        lines += [_POWER, ""]
        lines += _table(
            ("market", *(f"K = {k}" for k in _trials(edges)), "so far", "at least", "a profile that earns is refuted"),
            (
                (
                    n,
                    *(f"{_rate(c['own_proven'].get(k))} ({c['formula'].get(k, 0):.0%})" for k in _trials(edges)),
                    _standing(c),
                    f"{c['least']:.0%}: {c['least_standing']}" if "least" in c else "-",
                    f"{_rate(c['wrongly_refuted'])}: {c['wrongly_refuted_standing']}",
                )
                for n, c in edges.items()
            ),
        )
    lines += [_LEGS, ""]
    lines += _table(
        ("market", *LEGS, "the verdict"),
        ((n, *(_rate(c["legs"][leg]) for leg in LEGS), _rate(c["proven"]["4"])) for n, c in cells.items()),
    )
    days = list(dict.fromkeys(day for cell in cells.values() for day in cell["shorter"]))
    lines += ["**Less history**, K = 4, the minimum of 300 days waived: a profile is called proven.", ""]
    lines += _table(
        ("market", *(f"{d} days" for d in days)),
        ((n, *(_rate(c["shorter"][d]["proven"]) for d in days)) for n, c in cells.items() if c["shorter"]),
    )
    lines += [
        "**What the profiles do**: mean annual net Sharpe ratio; how often one is refuted; folds that sat out",
        "",
    ]
    lines[-2] += " because the calibration found no skill in the training part; processor seconds a market."
    profiles = list(dict.fromkeys(name for cell in cells.values() for name in cell["mean_sharpe"]))
    lines += _table(
        ("market", "n", *profiles, "any refuted", "silent folds", "s"),
        (
            (
                n,
                str(c["n"]),
                *(_number(c["mean_sharpe"].get(p), ".2f") for p in profiles),
                _rate(c["refuted"]),
                _number(c["silent_share_of_folds"], ".0%"),
                f"{c['cpu_s']:.2f}",
            )
            for n, c in cells.items()
        ),
    )
    return "\n".join(lines)


def _trials(cells: Mapping[str, Any]) -> list[str]:
    return sorted({k for cell in cells.values() for k in cell["proven"]}, key=int)


def _rate(rate: Mapping[str, float] | None) -> str:
    if rate is None or not rate["n"]:
        return "-"
    return f"{rate['k'] / rate['n']:.1%} [{rate['low']:.1%}, {rate['high']:.1%}], n = {rate['n']:.0f}"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _standing(cell: Mapping[str, Any]) -> str:
    """One word where all numbers of trials agree."""
    found = cell["standing"]
    if len(set(found.values())) == 1:
        return str(next(iter(found.values())))
    return "; ".join(f"K = {k} {standing}" for k, standing in found.items())


def _table(head: Sequence[str], rows: Iterable[Iterable[str]]) -> list[str]:
    return [*(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)), ""]
