"""`tradsys journal`: what was tried, what was learned, who is champion; and how that is written down."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradsys.cli.compare import Runs
from tradsys.cli.options import Json, Plugin, Seed
from tradsys.cli.printed_json import printed_json
from tradsys.core.errors import ConfigError

if TYPE_CHECKING:
    from tradsys.journal.book import MarketBook
    from tradsys.journal.chain import LedgerEntry
    from tradsys.journal.entries import Data
    from tradsys.journal.ledger import Ledger

Journal = Annotated[Path, typer.Option(help="Folder of the ledger.")]


class Verb(StrEnum):
    """What can be decided."""

    adopted = "adopted"
    rejected = "rejected"
    negative = "negative"


def command(
    ctx: typer.Context,
    market: Annotated[str | None, typer.Option(help="Show this market alone.")] = None,
    journal: Journal = Path("journal"),
    as_json: Json = False,
) -> int:
    """What was tried per market, with hypothesis, result and decision; who is champion and why; how many trials count.

    K is what a verdict on all of the market's months would count now.
    """
    if ctx.invoked_subcommand is not None:
        return 0
    from tradsys.journal.book import read_book

    ledger = _ledger(journal)
    book = [one for one in read_book(ledger) if market is None or one.name.startswith(market)]
    if market is not None and not book:
        raise ConfigError(_no_market(market, [one.name for one in read_book(ledger)]))
    if as_json:
        entries = [{**asdict(one), "is_negative": [idea.is_negative for idea in one.ideas]} for one in book]
        typer.echo(printed_json({"ledger": str(ledger.path), "head": ledger.head, "markets": entries}, indent=1))
        return 0
    lines = [f"{ledger.path}: {len(ledger.entries()):,} entries, head {ledger.head[:10]}"]
    typer.echo("\n".join([*lines, *(line for one in book for line in _shown(one))]))
    return 0


def add(
    market: Annotated[str, typer.Option(help="A market that the ledger knows, or bars as `tradsys run` takes them.")],
    hypothesis: Annotated[str, typer.Option(help="What you believe, before a run looks.")],
    expect: Annotated[str, typer.Option(help="What would bear it out.")] = "",
    seed: Seed = None,
    journal: Journal = Path("journal"),
    as_json: Json = False,
) -> int:
    """Write a hypothesis down before its run; `tradsys run --hypothesis ID` ties the two."""
    from tradsys.journal.entries import Hypothesis
    from tradsys.journal.page import SHORT

    if not hypothesis.strip():
        raise ConfigError("a hypothesis needs words, found none; say what you believe")
    ledger = _ledger(journal)
    entry = ledger.append(Hypothesis(data=_data(market, seed or 0, ledger), text=hypothesis, expect=expect).content())
    name = entry.content_hash[:SHORT]
    shown = {"hypothesis": entry.content_hash, "market": entry.content["market"]}
    typer.echo(printed_json(shown) if as_json else f"{name}  next: tradsys run --hypothesis {name} --bars ...")
    return 0


def decide(
    name: Annotated[str, typer.Argument(help="A run's folder or name, or a hypothesis' name.", metavar="RUN|ID")],
    decision: Annotated[Verb, typer.Argument(help="negative: it failed; say so, and spare the next person a week.")],
    why: Annotated[str, typer.Option(help="The reason, in a sentence.")],
    runs: Runs = Path("runs"),
    journal: Journal = Path("journal"),
    as_json: Json = False,
) -> int:
    """Write down what was made of a run or a hypothesis; the last decision on it holds."""
    from tradsys.journal.entries import RecordedDecision
    from tradsys.journal.page import SHORT

    if not why.strip():
        raise ConfigError("a decision needs its reason, found none; say it in a sentence with --why")
    ledger = _ledger(journal)
    on = _subject(name, ledger, runs)
    subject = str(on.content.get("run", on.content_hash))
    before = ledger.latest("decision", subject=subject)
    if before is None or (before.content["decision"], before.content["why"]) != (decision.value, why):
        replaces = "" if before is None else before.content_hash
        made = RecordedDecision(data=_about(on), subject=subject, decision=decision.value, why=why, replaces=replaces)
        ledger.append(made.content())
    shown = {"subject": subject, "decision": decision.value}
    typer.echo(printed_json(shown) if as_json else f"{subject[:SHORT]} {decision.value}: {why}")
    return 0


def promote(
    run: Annotated[str, typer.Argument(help="Name of a run, the beginning of one, or last.")] = "last",
    profile: Annotated[str | None, typer.Option(help="Profile; the deployed one unless given.")] = None,
    runs: Runs = Path("runs"),
    journal: Journal = Path("journal"),
    plugin: Plugin = None,
    as_json: Json = False,
) -> int:
    """Put a run's profile forward as champion; the seat is won beyond noise, across folds and seeds, by stable runs."""
    from tradsys.cli.loading import load_own_parts, replayable
    from tradsys.research.judging.champion import promote as put_forward
    from tradsys.research.judging.rejudge import Replay
    from tradsys.research.judging.run_folders import count_run_folders

    load_own_parts(plugin)
    ledger = _ledger(journal)
    count_run_folders(runs, ledger)
    made = put_forward(replayable(Replay.find(runs, run)), ledger, profile)
    is_champion = made.entry is not None
    shown = {"is_champion": is_champion, "standing": made.standing, "why": made.why}
    typer.echo(printed_json(shown) if as_json else f"{'new champion' if is_champion else 'no change'}: {made.why}")
    return 0


def render(
    out: Annotated[Path | None, typer.Option(help="File to write; journal.md beside the ledger unless given.")] = None,
    journal: Journal = Path("journal"),
    as_json: Json = False,
) -> int:
    """Write journal.md: dated entries with what, why, result and decision."""
    from tradsys.core.files import write_atomically
    from tradsys.journal.book import read_book
    from tradsys.journal.page import journal_page

    path = out or journal / "journal.md"
    book = read_book(_ledger(journal))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, journal_page(book).encode())
    n_ideas = sum(len(market.ideas) for market in book)
    typer.echo(printed_json({"file": str(path), "n_entries": n_ideas}) if as_json else f"{path}: {n_ideas} entries")
    return 0


def restore(journal: Journal = Path("journal"), as_json: Json = False) -> int:
    """Write lines again that the ledger has lost: of each the journal's folder has a file, which counts until then too.

    The lines stand at the end, as of now, after one that says so. What else was lost, notes and decisions, only a copy
    has. Files of another journal that were copied into this folder are taken over in the same way.
    """
    ledger = _ledger(journal)
    restored = ledger.restore()
    left = len(ledger.lost)
    if as_json:
        typer.echo(printed_json({"restored": [entry.content_hash for entry in restored], "left": left}))
        return 0
    told = f"; {left:,} more say nothing of their data and count for whatever is judged at their time" if left else ""
    typer.echo(f"{ledger.path}: {len(restored):,} lost {'line' if len(restored) == 1 else 'lines'} written again{told}")
    return 0


def merge(
    folder: Annotated[Path, typer.Argument(help="Folder of another ledger, from another machine for instance.")],
    journal: Journal = Path("journal"),
    as_json: Json = False,
) -> int:
    """Add what another ledger holds and this one does not, with series and price paths: its trials then count here too.

    Entries are the same where they say the same, so that merging twice adds nothing; each keeps its own time. The other
    ledger stays as it is: merge this one into it, and both hold all.
    """
    from tradsys.journal.merge import merge as merge_ledgers

    ledger = _ledger(journal)
    merged = merge_ledgers(ledger, folder)
    typer.echo(printed_json(asdict(merged)) if as_json else f"{ledger.path}: {merged.sentence}")
    return 0


commands = {"add": add, "decide": decide, "promote": promote, "render": render, "restore": restore, "merge": merge}


def _ledger(journal: Path) -> "Ledger":
    from tradsys.journal.ledger import Ledger

    return Ledger(journal / "ledger.jsonl")


def _shown(market: "MarketBook") -> list[str]:
    from tradsys.journal.page import SHORT, counted, decision, one_line, result, seat, title

    lines = ["", f"{market.name}  ({counted(market)})"]
    if market.also_known_as:
        lines.append(f"  the same months also stand under {', '.join(market.also_known_as)}")
    lines += [f"  champion: {seat(market.champion)}", ""]
    for idea in market.ideas:
        lines.append(f"  {idea.at[:10]}  {idea.name[:SHORT]}  {title(idea)}")
        if idea.guesses and idea.kind != "hypothesis":
            lines.append(f"      {one_line(idea.title)}")
        lines += [f"      expected: {one_line(guess.expect)}" for guess in idea.guesses if guess.expect]
        lines += ["      (the hypothesis was written down after the result)"] * any(
            not g.was_first for g in idea.guesses
        )
        lines += [f"      {one_line(sentence)}" for sentence in idea.decided]
        lines += [f"      {idea.reason}"] if idea.reason else []
        lines += [f"      {result(name, one)}" for name, one in (idea.results or {}).items()]
        lines += [f"      lock-box {result(name, one)}" for name, one in (idea.lockbox or {}).items()]
        lines.append(f"      decision: {decision(idea)}")
    return lines


def _data(market: str, seed: int, ledger: "Ledger") -> "Data":
    """A market that the ledger knows by name, or the bars that the text describes."""
    known = [entry for entry in ledger.entries() if entry.content.get("market") == market]
    if known:
        return _about(known[-1])
    from tradsys.data import load_market
    from tradsys.data.settings import DataSettings
    from tradsys.research.judging.trials import data_of

    try:
        loaded = load_market([market], seed=seed, settings=DataSettings.load())
    except ConfigError as error:
        names = list(dict.fromkeys(str(e.content["market"]) for e in ledger.entries() if "market" in e.content))
        raise ConfigError(f"{_no_market(market, names)}; and as bars: {error}") from None
    ledger.keep_paths(loaded.paths)
    return data_of(loaded)


def _about(entry: "LedgerEntry") -> "Data":
    from tradsys.journal.entries import Data

    content = entry.content
    return Data(content["market"], tuple(content["blocks"]), content.get("fingerprint", ""))


def _subject(name: str, ledger: "Ledger", runs: Path) -> "LedgerEntry":
    """The entry of a run, by folder or name, or of a hypothesis."""
    from tradsys.core.errors import DataError
    from tradsys.runs.stored import StoredRun

    try:
        return ledger.find(StoredRun.find(runs, name).manifest.run, "run")
    except DataError:
        return ledger.find(name, "run", "failure", "hypothesis")


def _no_market(market: str, names: list[str]) -> str:
    import difflib

    near = difflib.get_close_matches(market, names, n=1, cutoff=0.3)
    hint = f"did you mean {near[0]!r}?" if near else f"it knows {', '.join(names) or 'none yet'}"
    return f"the ledger knows no market {market!r}; {hint}"
