"""`journal.md`: the ledger as dated entries, what, why, result, decision; the same ledger gives the same bytes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tradsys.journal.book import Idea, MarketBook

SHORT = 10
"""Characters of a run's or a hypothesis' name that are shown; commands take them."""

_HEAD = """# Journal

Rendered from the ledger by `tradsys journal render`; change nothing here, it is written anew. Entries are dated by
their line in the ledger. A result is as of the run's end: `tradsys compare` judges a run again with all that was tried
since.
"""


def journal_page(book: Sequence[MarketBook]) -> str:
    """Markdown, newest entry last, a section a market."""
    return "\n".join([_HEAD, *(line for market in book for line in _section(market))]) + "\n"


def counted(market: MarketBook) -> str:
    """What a verdict on this market counts, in a sentence."""
    parts = [f"{market.n_trials:,} {'trial' if market.n_trials == 1 else 'trials'} counted"]
    if market.n_design_looks:
        parts.append(f"{market.n_design_looks:,} of them looks that chose the defaults")
    if market.n_tuning:
        parts.append(f"{market.n_tuning:,} more inside training parts, which count for whoever tests there")
    if market.n_openings:
        parts.append(
            f"lock-box opened {market.n_openings:,} times" if market.n_openings > 1 else "lock-box opened once"
        )
    return "; ".join(parts) + f"; ledger head {market.head[:SHORT]}"


def seat(champion: Mapping[str, Any] | None) -> str:
    """Who is champion and why."""
    if champion is None:
        return "none yet"
    who = f"{champion['profile']} of run {champion['run'][:SHORT]} ({champion['standing']})"
    return f"{who} since {champion['at'][:10]}: {one_line(champion['why'])}"


def title(idea: Idea) -> str:
    """The hypothesis where there is one, else what was run."""
    words = one_line(idea.guesses[0].text if idea.guesses else idea.title)
    return words + (" (negative)" if idea.is_negative else "")


def result(name: str, one: Mapping[str, Any]) -> str:
    """A profile's verdict with its numbers."""
    sharpe = "net Sharpe undefined" if one["sharpe"] is None else f"net Sharpe {one['sharpe']:.2f}"
    if one["low"] is not None and one["high"] is not None:
        sharpe += f" [{one['low']:.2f}, {one['high']:.2f}]"
    p = "" if one["p"] is None else f", p {one['p']:.3f}"
    standing = f"{one['verdict']} until {one['until']}" if one.get("until") else one["verdict"]
    return f"{name}: {standing}, {sharpe}{p}, {one['n_trades']:,} trades in {one['n_days']:,} days"


def decision(idea: Idea) -> str:
    """What was made of it."""
    if idea.decision is None:
        return "open"
    return f"{idea.decision['decision']} ({idea.decision['at'][:10]}): {one_line(idea.decision['why'])}"


def one_line(text: str) -> str:
    """Text that somebody typed, without line breaks that would start something else."""
    return " ".join(str(text).split())


def _section(market: MarketBook) -> Iterable[str]:
    yield f"## {market.name}\n"
    yield f"- {counted(market)}"
    if market.also_known_as:
        yield f"- the same months also stand under {', '.join(market.also_known_as)}; their trials are in the count"
    yield f"- champion: {seat(market.champion)}\n"
    for idea in market.ideas:
        yield from _entry(idea)


def _entry(idea: Idea) -> Iterable[str]:
    yield f"### {idea.at[:10]} {title(idea)}\n"
    what = "not run yet" if idea.kind == "hypothesis" else f"{one_line(idea.title)}; run `{idea.name[:SHORT]}`"
    yield f"- **What:** {what}"
    if not idea.guesses:
        yield "- **Why:** no hypothesis was written down"
    for guess in idea.guesses:
        expected = f"; expected: {one_line(guess.expect)}" if guess.expect else ""
        late = "" if guess.was_first else "; written down after the result"
        yield f"- **Why:** {one_line(guess.text)}{expected}{late} (`{guess.name[:SHORT]}`)"
    if idea.decided:
        yield f"- **Decided by:** {one_line('; '.join(idea.decided))}"
    if idea.reason:
        yield f"- **Result:** {one_line(idea.reason)}"
    for name, one in sorted((idea.results or {}).items()):
        yield f"- **Result:** {result(name, one)}"
    for name, one in sorted((idea.lockbox or {}).items()):
        yield f"- **Lock-box:** {result(name, one)}"
    if idea.n_trials is not None:
        yield f"- **Counted:** {idea.n_trials:,} trials when it ended"
    yield f"- **Decision:** {decision(idea)}\n"
