"""The verdict in words that a trader understands."""

from tradsys.verdict.results import Leg, VerdictSpec


def too_little(n_days: int, n_trades: int, spec: VerdictSpec) -> str:
    """Neither provable nor refutable yet."""
    days = f"too little history ({n_days:,} of {spec.min_days:,} days)"
    trades = f"too few trades ({n_trades:,} of {spec.min_trades:,})"
    if n_days >= spec.min_days:
        return f"not proven: {trades}"
    return f"not proven: {days}" + (f" and {trades}" if n_trades < spec.min_trades else "")


def never_moved(n_days: int) -> str:
    """A record without a single gain or loss."""
    return f"not proven: the account never moved in {n_days:,} days"


def proven(sharpe: float, p: float, record: str) -> str:
    """All legs stand."""
    return (
        f"proven: it made money after costs (net Sharpe {sharpe:.1f}), more than its exposure to the market did, and "
        f"its timing beats random entries; luck alone looks this good in {_share(p)} of cases ({record})"
    )


def ruined(on: str, cause: str, record: str) -> str:
    """All was lost on that date, and to what."""
    return f"not proven: {_ruin(on, cause)} ({record})"


def refuted_by_ruin(on: str, cause: str, upper_bound: float, spec: VerdictSpec, record: str) -> str:
    """The same of a record that is refuted by its days too."""
    return f"refuted: {_ruin(on, cause)} (net Sharpe at most {upper_bound:.1f}, {1 - spec.alpha:.0%} sure; {record})"


def _ruin(on: str, cause: str) -> str:
    return f"ruined on {on}: it lost everything" + (f" with {cause}" if cause else "")


def lost(kept: float, record: str) -> str:
    """The mean of its days is good, and its end is below its beginning: leverage that eats what it earns."""
    return f"not proven: it lost {1 - kept:.2%} of its capital, however good its average day was ({record})"


def refuted(upper_bound: float, spec: VerdictSpec, record: str) -> str:
    """The upper bound lies below what counts as an edge."""
    what = "it loses money" if spec.refute_below <= 0 else f"it does not reach a Sharpe of {spec.refute_below:g}"
    return f"refuted: after costs {what} (net Sharpe at most {upper_bound:.1f}, {1 - spec.alpha:.0%} sure; {record})"


def not_proven(leg: Leg, sharpe: float, p: float, record: str, *, has_alpha: bool = True) -> str:
    """The leg that failed; `has_alpha` says that more was earned than the exposure to the market explains."""
    luck = f"luck alone looks this good in {_share(p)} of cases"
    if leg == "timing":
        why = "no better than random entries of the same kind"
    elif leg == "alpha" and not has_alpha:
        why = (
            "it made money with the market, and less than its exposure to it did: its own timing does not pay its costs"
        )
    elif leg == "alpha":
        why = "it made money with the market, and what it earned beyond its exposure to it may still be luck"
    elif leg == "money" and sharpe <= 0:
        why = "skill in the timing, but it does not pay its costs"
    elif leg == "money":
        why = "skill in the timing, but what is left after costs may still be luck"
    elif sharpe <= 0:
        why = "it made no money after costs, and its entries are no better than random ones"
    else:
        why = "neither the money after costs nor the timing stands out from luck"
    return f"not proven: {why} ({luck}; net Sharpe {sharpe:.1f}, {record})"


def record(n_trades: int, n_days: int, n_trials: int) -> str:
    """What the verdict rests on."""
    tried = "1 trial" if n_trials == 1 else f"{n_trials:,} trials"
    return f"{n_trades:,} trades in {n_days:,} days, {tried} counted"


def _share(p: float) -> str:
    """A p-value as a share of cases, never rounded to nothing."""
    if p < 0.001:
        return "less than 0.1%"
    return f"{p:.1%}" if p < 0.1 else f"{p:.0%}"
