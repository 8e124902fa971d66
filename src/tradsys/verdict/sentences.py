"""The verdict in words that a trader understands."""

from collections.abc import Mapping, Sequence

from tradsys.verdict.delay import Company
from tradsys.verdict.results import Lately, Leg, VerdictSpec

USUAL = VerdictSpec()


def too_little(n_days: int, n_trades: int, spec: VerdictSpec) -> str:
    """Neither provable nor refutable yet."""
    days = f"too little history ({n_days:,} of {spec.min_days:,} days)"
    trades = f"too few trades ({n_trades:,} of {spec.min_trades:,})"
    rules = f"; judged by {_rules(spec)}" if spec.changed else ""
    if n_days >= spec.min_days:
        return f"not proven: {trades}{rules}"
    return f"not proven: {days}" + (f" and {trades}" if n_trades < spec.min_trades else "") + rules


def never_moved(n_days: int) -> str:
    """A record without a single gain or loss."""
    return f"not proven: the account never moved in {n_days:,} days"


def _rules(spec: VerdictSpec) -> str:
    return f"changed rules, {spec.changed}"


def proven(sharpe: float, p: float, record: str, *, until: str | None = None) -> str:
    """All legs stand; `until` is the day since which nothing of it was earned."""
    begins = f"proven until {until}" if until else "proven"
    return (
        f"{begins}: it made money after costs (net Sharpe {sharpe:.1f}), more than its exposure to the market did, and "
        f"its timing beats random entries; luck alone looks this good in {_share(p)} of cases ({record})"
    )


def too_good(sharpe: float, growth: float, record: str) -> str:
    """A profit that cannot be."""
    times = f"{growth:,.0f}" if growth < 1e6 else f"{growth:.0e}"
    return (
        f"not proven: too good to be true (net Sharpe {sharpe:.1f}, the capital {times} times what it was): look at "
        "the data first, at time stamps that are closes or come from elsewhere, at ticks and spreads wide against the "
        f"profit of a trade, and at bars in which nothing was traded ({record})"
    )


def beside_too_good(names: Sequence[str], sharpe: float, record: str) -> str:
    """A profit that could be, on the data on which others of the run made one that cannot."""
    return (
        f"not proven: on the same data {' and '.join(names)} made a profit too good to be true: look at the data first "
        f"(net Sharpe {sharpe:.1f}, {record})"
    )


def gone_when_late(kept: float | None, sharpe: float, sharpe_late: float | None, least: float, record: str) -> str:
    """What was earned is not earned by orders that come one bar later, or nobody knows whether it is."""
    if kept is None or sharpe_late is None:
        return (
            "not proven: its orders were never simulated one bar later, which a verdict asks for; make the run again "
            f"(net Sharpe {sharpe:.1f}, {record})"
        )
    left = f"it keeps {kept:.0%} of its profit" if kept > 0 else "nothing of its profit is left"
    return (
        f"not proven: with every order one bar later {left}, and {least:.0%} are asked for: it hangs on fills at the "
        f"very next open (net Sharpe {sharpe_late:.1f} instead of {sharpe:.1f}, {record})"
    )


def luck_when_late(
    kept: float, p: float, company: Company, least: float, sharpe: float, sharpe_late: float, record: str
) -> str:
    """Enough is left one bar later, but most trials that look as good keep less, and so may this one by luck."""
    looking = f"{company.n_gone:,} of the {company.n_passing:,} trials that look as good keep less than {least:.0%}"
    return (
        f"not proven: with every order one bar later it keeps {kept:.0%} of its profit, but {looking}, and what is "
        f"left may be luck, as in {_share(p)} of cases (net Sharpe {sharpe_late:.1f} instead of {sharpe:.1f}, {record})"
    )


def with_lately(sentence: str, lately: Lately, *, is_over: bool) -> str:
    """The sentence with what the last third or half was like, before its last brackets; where that has to be said."""
    if not (lately.differs or is_over):
        return sentence
    return _before_record(sentence, _since(lately))


def _before_record(sentence: str, words: str) -> str:
    """The sentence with more words in front of its last brackets, which hold what it rests on."""
    said, bracket, rest = sentence.rpartition(" (")
    return f"{said}; {words}{bracket}{rest}" if bracket else f"{sentence}; {words}"


def with_carriers(sentence: str, names: Sequence[str], share: float, n_symbols: int) -> str:
    """The sentence with the few of a pool's symbols that earned its profit."""
    rest = n_symbols - len(names)
    others = f"the other {rest}" if rest > 1 else "the other one"
    what = f"{others} lost money" if share > 1 else f"{others} earned {1 - share:.0%} of the profit"
    who = f"{names[0]} alone carries it" if len(names) == 1 else f"{' and '.join(names)} carry it"
    return _before_record(sentence, f"{who}: {what}")


def with_symbols_of_their_own(sentence: str, found: Mapping[str, float]) -> str:
    """The sentence of a pool that is not proven with those symbols, by p, whose own money is no luck."""
    who = " and ".join(f"{name} (p {p:.3f})" for name, p in found.items())
    return _before_record(sentence, f"by itself {who} made money beyond luck, counted over all symbols and trials")


def with_wide_interval(sentence: str, low: float, high: float, spec: VerdictSpec) -> str:
    """The sentence of what is proven although the interval that is shown beside it covers zero, and why."""
    why = (
        f"the 95% interval of its Sharpe ratio, {low:.2f} to {high:.2f}, covers zero since it leaves 2.5% at either "
        f"end; what decides is one-sided at {spec.alpha:.2g}"
    )
    return _before_record(sentence, why)


def _since(lately: Lately) -> str:
    """What became of it, in words."""
    days = f"{lately.n_days:,} days"
    if lately.sharpe is None:
        return f"since {lately.since} ({days}) the account has not moved"
    trades = "1 trade" if lately.n_trades == 1 else f"{lately.n_trades:,} trades"
    interval = "" if lately.low is None or lately.high is None else f" [{lately.low:.1f}, {lately.high:.1f}]"
    rests_on = f"(net Sharpe {lately.sharpe:.1f}{interval}, {trades} in {days})"
    if lately.sharpe < 0:
        what = "it has lost money"
    elif lately.earned_next_to_nothing and not lately.differs:
        what = "it has earned next to nothing"
    elif lately.sharpe < (lately.sharpe_before or 0.0):
        what = "it has earned less than before, beyond luck"
    else:
        what = "it has earned more than before, beyond luck"
    return f"since {lately.since} {what} {rests_on}"


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


def record(n_trades: int, n_days: int, n_trials: int, spec: VerdictSpec = USUAL) -> str:
    """What the verdict rests on, and by which rules where they were changed."""
    rules = f", judged by {_rules(spec)}" if spec.changed else ""
    tried = "1 trial" if n_trials == 1 else f"{n_trials:,} trials"
    return f"{n_trades:,} trades in {n_days:,} days, {tried} counted{rules}"


def _share(p: float) -> str:
    """A p-value as a share of cases, never rounded to nothing."""
    if p < 0.001:
        return "less than 0.1%"
    return f"{p:.1%}" if p < 0.1 else f"{p:.0%}"
