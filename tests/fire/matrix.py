"""What the fire proved, as a page: a row for every run and every marked step, written by the runs themselves."""

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Final

from tests.fire.burning import Burnt
from tests.fire.served import LONGEST_MS
from tests.fire.story import Market

from tradsys.live.execution.steps import POINTS

NOT_ON_SPOT: Final = frozenset({"adopt.commit:before", "adopt.commit:after"})
"""Nobody can be said to have opened a position where there are none."""

MARKETS: Final[dict[Market, str]] = {"usdm": "perpetuals", "spot": "spot"}

MEANINGS: Final = {
    "entry.commit": "entries of one close are written down before any of them is sent",
    "entry.send": "an entry is on its way",
    "entry.answer": "what became of an entry is written down",
    "legs.commit": "stop and target are written down before they are sent",
    "stop.send": "a stop is on its way",
    "stop.answer": "what became of a stop is written down",
    "target.send": "a target is on its way",
    "target.answer": "what became of a target is written down",
    "exit.commit": "an exit by market order is written down before it is sent",
    "exit.send": "an exit is on its way",
    "exit.answer": "what became of an exit is written down",
    "resend.commit": "an entry that the exchange does not have is about to be sent again",
    "cancel.send": "the leg that is left over, or an order that came too late, is being cancelled",
    "ask.answer": "what the exchange says of an order in doubt is written down",
    "fills.commit": "fills and fees are written down",
    "adopt.commit": "a position that no entry explains is taken in, to be protected",
    "trade.end": "a trade is over and its result is known",
    "wish.commit": "that a symbol is to be left is written down",
    "wish.clear": "that wish is done and taken back",
    "halt": "a third stop in a row was refused, and trading is halted",
}

WORDS: Final = {
    "quiet": "nobody is killed: what all others are held against",
    "random": "killed at random moments; everything must end as if nobody had been",
    "steps": "killed at each marked step, before and after; everything must end as if nobody had been",
    "faults": "killed at random moments while every other kind of thing goes wrong too; the journal must explain all",
}

TOP: Final = """# Killed at the worst moment

The whole bot, as `tradsys trade --live` runs it (ccxt, sockets, journal on disk), trades on the
[loopback exchange](loopback-exchange.md), which is a process of its own. The bot's process is killed by SIGKILL and
started again over the same account folder, until the story's tape is over (`tests/fire/`). The script that did it
wrote this page: `{command}`.

## The runs

Exchange and bot share one clock that goes on only while both wait, and by what the bot's processor works: what is
measured is the bot's doing, and not how busy the machine was (`tests/fire/shared_time.py`). Nothing may be amiss for
longer than {longest_s:g} s while the bot is up. A bot is up from when it trades: half of {n_starts:,} starts took
{start_s:.2f} s of the processor until then, the slowest {slowest_s:.2f} s (in a process that has imported everything).
"""


def missed(market: Market, runs: Sequence[Burnt]) -> list[str]:
    """Marked steps at which nobody died in any of these runs."""
    died = {point for one in runs for point in one.died_at}
    return [point for point in POINTS if point not in died and (market == "usdm" or point not in NOT_ON_SPOT)]


def judge(name: str, burnt: Burnt, quiet: Burnt) -> list[str]:
    """What speaks against a run; nothing where it held."""
    wrong = list(burnt.failures)
    for what, found in (("duplicates", burnt.duplicates), ("orphans", burnt.orphans), ("positions", burnt.positions)):
        if found:
            wrong.append(f"{what}: {found}")
    if burnt.open_orders:
        wrong.append(f"open orders: {burnt.open_orders}")
    if burnt.unprotected_ms > LONGEST_MS:
        wrong.append(f"without a stop for {burnt.unprotected_ms} ms")
    if abs(burnt.wallet + burnt.dust - burnt.explained) > 1e-6:
        wrong.append(f"the wallet has {burnt.wallet}, and the journal explains {burnt.explained}")
    if not burnt.trades or any(trade[7] for trade in burnt.trades):
        wrong.append(f"trades that are over: wanted some and all, found {burnt.trades}")
    if name != "quiet" and not burnt.n_ended_while_down:
        wrong.append("no trade ended while the bot was down")
    return wrong if name == "faults" else wrong + _differences(burnt, quiet)


def _differences(burnt: Burnt, quiet: Burnt) -> list[str]:
    """What is not as it is where nobody was killed."""
    wrong = []
    if abs(burnt.wallet - quiet.wallet) > 1e-6:
        wrong.append(f"the wallet ended at {burnt.wallet}, and undisturbed at {quiet.wallet}")
    one, other = (sorted(map(repr, run.trades)) for run in (burnt, quiet))
    if one != other:
        wrong.append(f"trades: {sorted(set(one) - set(other))} for {sorted(set(other) - set(one))}")
    if bool(burnt.state) != bool(quiet.state) or ("halted" in burnt.state) != ("halted" in quiet.state):
        wrong.append(f"the state is {burnt.state}, and undisturbed {quiet.state}")
    return wrong


def page(runs: Sequence[tuple[str, Burnt]], *, command: str, more: str = "") -> str:
    """The page; the first run of each market is the quiet one."""
    quiet = {one.market: one for name, one in reversed(runs) if name == "quiet"}
    starts = [ms / 1_000 for _, one in runs for ms in one.starts_ms] or [0.0]
    lines = [
        TOP.format(
            command=command, longest_s=LONGEST_MS / 1_000, start_s=median(starts),
            n_starts=len(starts), slowest_s=max(starts),
        )
    ]  # fmt: skip
    lines += ["| run | market | seed | kills | orders | faults | trades | while down | bare ms | dup. | orph. | held |"]
    lines += ["| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    for name, one in runs:
        wrong = judge(name, one, quiet[one.market])
        cells = (
            name, MARKETS[one.market], one.seed, one.n_random + sum(one.died_at.values()), one.n_orders, one.n_faults,
            len(one.trades), one.n_ended_while_down, one.unprotected_ms, len(one.duplicates), len(one.orphans),
            "yes" if not wrong else "**no**: " + "; ".join(wrong),
        )  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    lines += ["", "| run | what it means |", "| --- | --- |"]
    lines += [f"| {name} | {words} |" for name, words in WORDS.items() if any(name == run for run, _ in runs)]
    lines += [
        "",
        "*While down* are trades that ended while no bot was running, and that its journal and `profit` have all the "
        "same; *bare* is the longest that a position had no stop of its full size while the bot was up; *held* is "
        "whether positions, orders, wallet and trades ended as they must.",
        "",
        "## The marked steps",
        "",
        "| killed | when | deaths | on spot |",
        "| --- | --- | --- | --- |",
    ]
    died: dict[str, Counter[str]] = {market: _deaths(runs, market) for market in MARKETS}
    lines += [
        f"| `{point}` | {_when(point)} | {died['usdm'][point]} | "
        f"{'none there' if point in NOT_ON_SPOT else died['spot'][point]} |"
        for point in POINTS
    ]
    return "\n".join([*lines, *([more] if more else [])]) + "\n"


def _when(point: str) -> str:
    step, side = point.split(":")
    return f"{side} {MEANINGS[step]}" if side == "before" else f"after: {MEANINGS[step]}"


def _deaths(runs: Sequence[tuple[str, Burnt]], market: str) -> Counter[str]:
    found = Counter[str]()
    for _, one in runs:
        if one.market == market:
            found.update(one.died_at)
    return found
