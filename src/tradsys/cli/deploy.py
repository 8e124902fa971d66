"""`tradsys deploy`: a run's profile fitted on all the history that its verdict can spare, as a bundle to trade."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradsys.cli.compare import Runs
from tradsys.cli.options import Config, Json, Plugin, Processes
from tradsys.cli.printed_json import printed_json

if TYPE_CHECKING:
    from tradsys.cli.loading import Loaded
    from tradsys.research.deploying.deploy import DeployedBundle, DeployOptions
    from tradsys.research.judging.rejudge import Replay


def command(
    run: Annotated[str, typer.Argument(help="Name of a run, the beginning of one, its folder, or last.")],
    out: Annotated[Path, typer.Option(help="Folder that becomes the bundle; it must not exist yet.")],
    profile: Annotated[str | None, typer.Option(help="Profile of the run; the deployed one unless given.")] = None,
    venue: Annotated[
        str | None, typer.Option(help="Where it is traded, such as binance or binance-spot; else where bars are of.")
    ] = None,
    symbol: Annotated[
        list[str] | None,
        typer.Option(
            help="What the venue calls a symbol, BTC/USDT (BTC/USDT:USDT: the perpetual), in the order of the run's, "
            "or as OLD=NEW."
        ),
    ] = None,
    valid_days: Annotated[
        float | None, typer.Option(help="Days until it expires; otherwise as long as a test block of the run was.")
    ] = None,
    runs: Runs = Path("runs"),
    journal: Annotated[Path, typer.Option(help="Folder of the ledger.")] = Path("journal"),
    config: Config = None,
    plugin: Plugin = None,
    processes: Processes = None,
    as_json: Json = False,
) -> int:
    """Refit a run's profile on all the history before the lock-box, and write a bundle that says how to trade it.

    Settings and bars are the run's own; bars that came since are left out. A lock-box stays untouched unless the run
    has opened it. The verdict in the bundle is the one as of now, against all that the ledger holds.
    """
    from tradsys.cli.loading import load_own_parts, market_text
    from tradsys.cli.progress import reporter
    from tradsys.core.time import now_ms
    from tradsys.journal.ledger import Ledger
    from tradsys.live.allocation import load_kernels
    from tradsys.research.deploying.deploy import DeployOptions, as_json_values, check_deployable, deploy
    from tradsys.research.judging.rejudge import Replay
    from tradsys.research.judging.run_folders import count_run_folders

    load_own_parts(plugin, config)
    stored, options = Replay.find(runs, run), DeployOptions(profile, venue, tuple(symbol or ()), valid_days)
    if stored.kind == "ranks":
        return _deploy_ranks(stored, out, options, runs, journal, config, as_json=as_json)
    chosen = check_deployable(stored, out, options)
    loaded = _loaded(stored, config, processes)
    ledger = Ledger(journal / "ledger.jsonl")
    count_run_folders(runs, ledger)
    if not as_json:
        typer.echo(f"{market_text(loaded.market)}\n{chosen.name} of {stored.name}\n{loaded.plan_text}")
    n_processes = loaded.n_processes
    with loaded.working() as executor, reporter(quiet=as_json, job=f"deploy {stored.name}") as progress:
        deployed = deploy(
            stored,
            loaded.market,
            out,
            ledger,
            options,
            now_ms=now_ms(),
            plan=loaded.plan.shared(n_processes),
            executor=executor,
            progress=progress,
        )
    load_kernels()  # compiled here, a bot that starts on this machine finds them
    typer.echo(printed_json(as_json_values(deployed), indent=1) if as_json else _text(deployed, stored))
    return 0


def _deploy_ranks(
    run: "Replay", out: Path, options: "DeployOptions", runs: Path, journal: Path, file: Path | None, *, as_json: bool
) -> int:
    """The rule of a rank run: there is nothing to fit."""
    from tradsys.core.time import now_ms, stamp
    from tradsys.data.settings import DataSettings
    from tradsys.journal.ledger import Ledger
    from tradsys.research.deploying.deploy import as_json_values
    from tradsys.research.deploying.ranks import check_ranks_deployable, deploy_ranks
    from tradsys.research.judging.run_folders import count_run_folders
    from tradsys.settings.market import ranked_market

    check_ranks_deployable(run, out, options)
    data = DataSettings.load(file=file, overrides={})
    market, last = ranked_market(run.metrics.market.sources, run.config, data), run.metrics.market.last
    market = market if last is None else market.until(last)
    ledger = Ledger(journal / "ledger.jsonl")
    count_run_folders(runs, ledger)
    deployed = deploy_ranks(run, market, out, ledger, options, now_ms=now_ms())
    one = deployed.deployment
    text = (
        f"\nthe rule of {run.name}, nothing of which is fitted, for {', '.join(one.symbols)} on {one.venue}\n"
        f"  verdict as of now: {one.verdict.sentence}\n"
        f"  tradsys trade holds its weights; RankDecider.load gives them to a bot of yours\n"
        f"  expires {stamp(one.expires_ms)}\n"
        f"  bundle: {deployed.folder}, hash {deployed.bundle_hash[:12]}"
    )
    typer.echo(printed_json(as_json_values(deployed), indent=1) if as_json else text)
    return 0


def _loaded(run: "Replay", file: Path | None, processes: int | None) -> "Loaded":
    """The run's bars with all that was attached to them, as they were then, and what this machine gives the work."""
    from dataclasses import replace

    from tradsys.cli.loading import Loaded, Needs, configured_work, plan_for
    from tradsys.data.settings import DataSettings
    from tradsys.settings.config import RunConfig
    from tradsys.settings.market import configured_market

    overrides = {} if processes is None else {"machine.processes": processes}
    here = RunConfig.load(file=file, overrides=overrides).machine
    config = run.config.model_copy(update={"machine": here})
    needs = Needs("deploy", option="")
    needs.check(config.agent.name, trains_network=config.agent.is_network)
    data, last = DataSettings.load(file=file, overrides={}), run.metrics.market.last
    market = configured_market(run.metrics.market.sources, config, data, until=last)
    work = configured_work(config, len(market.bars))
    plan = replace(plan_for(here.plan, work), compile=here.compile)
    return Loaded(config, market, plan, "", work)


def _text(deployed: "DeployedBundle", run: "Replay") -> str:
    from datetime import timedelta

    from tradsys.core.time import DAY_MS, format_interval, stamp
    from tradsys.research.deploying.outside_columns import nobody_gives

    one = deployed.deployment
    lockbox = run.metrics.market.lockbox_from
    kept = "it has opened its lock-box, whose bars train too"
    if lockbox is None:
        kept = "it has no lock-box"
    elif not deployed.reads_lockbox:
        kept = f"what opens from {lockbox:%Y-%m-%d %H:%M} on is its lock-box, which was not touched"
    repeats = "its last fold, fitted again on the way, is the run's own bundle byte for byte"
    if not deployed.repeats_run:
        repeats = (
            "careful: its last fold, fitted again on the way, is not the run's own bundle; code, libraries or machine "
            "differ, and the verdict is about the run's: run again for a verdict on this one"
        )
    interval = format_interval(timedelta(milliseconds=one.interval_ms))
    reads = ", ".join(f"{column.name} ({column.provider})" for column in one.outside)
    age_days = (one.created_ms - one.trained_to_ms) / DAY_MS
    if lacking := nobody_gives(one.outside):
        reads += f"\n  careful: no bot is given {', '.join(lacking)} yet, and tradsys trade refuses the bundle"
    proven = "" if one.verdict.is_proven else "  it is not proven: tradsys trade takes it with --unproven alone\n"
    kind = ", its spot market, long only" if one.is_spot else ""
    return (
        f"\n{one.profile}, fitted on {deployed.n_train:,} labels of bars from {stamp(one.trained_from_ms)} to "
        f"{stamp(one.trained_to_ms)}, {age_days:,.0f} days ago; {kept}\n"
        f"  {repeats}\n"
        f"  verdict as of now: {one.verdict.sentence}\n"
        f"{proven}"
        f"  trades {', '.join(one.symbols)} on {one.venue}{kind}, bars of {interval}\n"
        f"  reads from outside: {reads or 'nothing'}\n"
        f"  expires {stamp(one.expires_ms)}\n"
        f"  bundle: {deployed.folder}, hash {deployed.bundle_hash[:12]}"
    )
