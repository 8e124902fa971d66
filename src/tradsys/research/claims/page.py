"""The claims as text: a page of the docs, and the same for a terminal."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from tradsys.core.errors import ConfigError
from tradsys.research.claims.variants import CONTROL, FIXED, SUPCON

_PAGE = Path("docs") / "claims.md"
_DEVELOPMENT = (
    "**This is development data**: the defaults of tradsys, and the journal's own shapes, were chosen on it or on data "
    "that overlaps it. What holds here is in-sample at the level of design; what does not hold even here needs no more "
    "data."
)
_HOW = """How: purged walk-forward folds, the lock-box left closed. A network stands alone, as the journal had it (no
linear model below it), is stopped by the last 15% of its training part, purged, and is the base rate where nothing was
learned. Probabilities are compared as the system uses them, a focal loss inverted and everything calibrated on earlier
test blocks, unless "raw" is said. Gains are mean log-loss saved, paired row by row; an interval holds 95% over other
times (block bootstrap, blocks longer than a label lives) and other seeds (Student) together. A claim **holds** where
its interval lies above zero, **does not hold** where it lies below, and is **not shown** otherwise or with one seed
alone. No correction is made for the number of claims. Every forecaster and seed whose score is shown is a trial
(in the ledger as `scored`), and so are every seed's simulated profiles."""


def publish(results: Mapping[str, Any], root: Path, *, today: date) -> Path:
    """Write the page below the source tree."""
    if not (root / _PAGE.parent).is_dir():
        raise ConfigError(f"--publish takes the root of the source tree, found no {_PAGE.parent} below {root}")
    (root / _PAGE).write_text(render(results, today=today))
    return root / _PAGE


def render(results: Mapping[str, Any], *, today: date | None = None) -> str:
    """The whole page in Markdown."""
    about = results["about"]
    when = f", {today.isoformat()}" if today else ""
    lines = ["# The journal's claims, run again", ""]
    lines += [
        f"`{results['command']}` on {about['market']}, {about['first']} to {about['last']}, {about['n_folds']} folds"
        f"{when}.",
        "",
    ]
    fitted_by = ", ".join(f"`{code[:10]}`" for code in about["fitted_by"])
    lines += [f"Compared by code `{about['code'][:10]}`, fitted by {fitted_by}.", ""]
    if about["is_quick"]:
        lines += [
            "**A quick run with toy networks: it shows that the command works, and nothing about the claims.**",
            "",
        ]
    if about["is_development"]:
        lines += [_DEVELOPMENT, ""]
    lines += [_HOW, ""]
    if few := _short_of_seeds(results):
        lines += [few, ""]
    if forecasts := results["forecasts"]:
        lines += _forecasts(forecasts)
    if profiles := results["profiles"]:
        lines += _profiles(profiles)
    return "\n".join(lines).rstrip() + "\n"


def _short_of_seeds(results: Mapping[str, Any]) -> str:
    """Who has been run with fewer seeds than were asked for; called again, the command goes on with them."""
    rows = [row for part in ("forecasts", "profiles") if results[part] for row in results[part]["table"]]
    asked = results["about"]["n_seeds"]
    few = [f"`{row['name']}` {row['n_seeds']}" for row in rows if row["name"] not in FIXED and row["n_seeds"] < asked]
    return f"Asked for {asked} seeds each; there was time for fewer of {', '.join(few)}." if few else ""


def sentence(claim: Mapping[str, Any], unit: str) -> str:
    """A claim with its standing and its numbers, in one sentence."""
    one, other = claim["n_seeds"]
    seeds = f"{one} {'seed' if one == 1 else 'seeds'}" if one == other else f"{one} and {other} seeds"
    ahead = f", ahead with {claim['n_ahead']} of {claim['n_paired']}" if claim["n_paired"] > 1 else ""
    return (
        f"{claim['text']}: **{claim['standing']}**. `{claim['better']}` against `{claim['worse']}`: {_gain(claim)} "
        f"{unit}, n = {claim['n']:,}, {seeds}{ahead}."
    )


def _forecasts(results: Mapping[str, Any]) -> list[str]:
    lines = ["## Forecasts", ""]
    lines += [f"- {sentence(claim, 'millinats')}" for claim in results["claims"]]
    inside = ", ".join(f"`{name}`" for name in results["confidence_set"]["inside"])
    lines += [
        f"- Model confidence set at {1 - results['confidence_set']['level']:.0%} (T_max, daily losses, "
        f"{results['confidence_set']['n_days']:,} days): the best forecaster is among {inside}.",
        "",
        f"n = {results['n']:,} rows, worth {results['effective_n']:,.0f} labels that overlap nothing; base rate "
        f"{results['base_rate']:.3f}. Gains over the base rate in millinats:",
        "",
    ]
    p = results["confidence_set"]["p"]
    lines += _table(
        ("forecaster", "seeds", "raw", "calibrated", "AUC", "p in the confidence set"),
        (
            (
                row["name"],
                "-" if row["name"] in FIXED else str(row["n_seeds"]),
                _gain(row["raw"]),
                _gain(row["calibrated"]) if "calibrated" in row else "-",
                "-" if row["auc"] is None else f"{row['auc']:.4f}",
                f"{p[row['name']]:.2f}" if row["name"] in p else "-",
            )
            for row in results["table"]
        ),
    )
    return lines + _training(results["training"])


def _training(training: Mapping[str, Any]) -> list[str]:
    """Training losses against the best constant's; contrastive loss against its control and its trivial value."""
    lines = ["Losses on the check rows, mean of all fits:", ""]
    proper = {name: one for name, one in training.items() if "zero_information_loss" in one["record"]}
    lines += _table(
        ("network", "fits", "kept", "diverged", "steps", "loss", "the best constant's loss"),
        (
            (
                name,
                str(one["n_fits"]),
                str(one["n_kept"]),
                str(one["n_diverged"]),
                f"{one['record']['step']:.0f}",
                f"{one['record']['loss']:.5f}",
                f"{one['record']['zero_information_loss']:.5f}",
            )
            for name, one in proper.items()
        ),
    )
    if SUPCON in training:
        one, record = training[SUPCON], training[SUPCON]["record"]
        less = record["trivial_loss"] - record["loss"]
        lines += [
            f"{SUPCON}: {one['n_fits']} fits, {one['n_kept']} probes kept, {record['step']:.0f} steps; contrastive "
            f"loss {record['loss']:.4f}, untrained {record['start_loss']:.4f}, embeddings that are all alike "
            f"{record['trivial_loss']:.4f} (log(B-1) of the check rows' pairs): training saved {less:+.4f} of that. On "
            f"the check rows the probe gained {1e3 * record['probe_gain']:+.2f} millinats, the {CONTROL} "
            f"{1e3 * record['control_gain']:+.2f}.",
            "",
        ]
    return lines


def _profiles(results: Mapping[str, Any]) -> list[str]:
    lines = ["## Profiles", ""]
    lines += [f"- {sentence(claim, 'percent a year after costs')}" for claim in results["claims"]]
    inside = ", ".join(f"`{name}`" for name in results["confidence_set"]["inside"])
    lines += [
        f"- Model confidence set at {1 - results['confidence_set']['level']:.0%}: the best profile is among {inside}.",
        "",
        f"{results['n_days']:,} days out of sample; n counts days. Trades and win rates are means over seeds, the win "
        "rate's interval is Clopper and Pearson's. A return here is no verdict: only `tradsys run` judges it, against "
        "random entries too and with everything counted that was ever tried on the data.",
        "",
        "",
    ]
    p = results["confidence_set"]["p"]
    lines += _table(
        ("profile", "seeds", "net return, percent a year", "trades", "win rate", "p in the confidence set"),
        (
            (
                row["name"],
                str(row["n_seeds"]),
                _gain(row["return"]),
                f"{row['n_trades']:,}",
                "-"
                if row["win_rate"] is None
                else f"{row['win_rate']:.1%} [{row['win_rate_low']:.1%}, {row['win_rate_high']:.1%}]",
                f"{p[row['name']]:.2f}",
            )
            for row in results["table"]
        ),
    )
    return lines


def _gain(found: Mapping[str, Any]) -> str:
    value = f"{found['value']:+.2f}"
    return value if found["low"] is None else f"{value} [{found['low']:+.2f}, {found['high']:+.2f}]"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [*(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)), ""]
