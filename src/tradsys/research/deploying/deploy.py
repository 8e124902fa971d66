"""`tradsys deploy`: a run's profile refitted, with its verdict of today, as a bundle that may be traded."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tradsys.bundle.bundle import open_bundle, read_bundle
from tradsys.bundle.deployment import DeployedPool, DeployedPortfolio, DeployedVerdict, Deployment
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.files import check_space, check_writable
from tradsys.core.threads import one_thread
from tradsys.core.time import DAY_MS, interval_ms
from tradsys.data.market import Market
from tradsys.journal.ledger import Ledger
from tradsys.machine.executor import INLINE, Executor
from tradsys.machine.plan import Plan
from tradsys.predictor.outside_needs import outside_needs
from tradsys.predictor.predictor import Predictor
from tradsys.predictor.storage import files_of
from tradsys.profiles.catalogue import profile_named
from tradsys.profiles.profile import Profile
from tradsys.research.deploying.outside_columns import VENUE, deployed_columns
from tradsys.research.deploying.places import TradedPlace
from tradsys.research.deploying.refit import Refit, refit
from tradsys.research.deploying.rehearsal import rehearse
from tradsys.research.judging.rejudge import Replay, rejudge
from tradsys.research.walk.experiment import Progress
from tradsys.research.walk.experiment_spec import Experiment, experiment_on
from tradsys.settings.config import RunConfig
from tradsys.settings.market import ranks_of


@dataclass(frozen=True, slots=True)
class DeployedBundle:
    """The folder and hash of a bundle that was written, what it says of itself, and how it was fitted.

    `repeats_run` says that the run's last fold, fitted again on the way, gave the run's own bundle byte for byte.
    """

    folder: Path
    bundle_hash: str
    deployment: Deployment
    n_train: int
    reads_lockbox: bool
    repeats_run: bool


@dataclass(frozen=True, slots=True)
class DeployOptions:
    """What is said on the command line: another profile, the venue and its names of the symbols, and for how long."""

    profile: str | None = None
    venue: str | None = None
    symbols: tuple[str, ...] = ()
    valid_days: float | None = None

    def __post_init__(self) -> None:
        if self.valid_days is not None and not 0 < self.valid_days < 36_500:
            raise ConfigError(f"--valid-days is a number of days above 0, was {self.valid_days:g}")


def check_deployable(run: Replay, folder: Path, options: DeployOptions) -> Profile:
    """The profile that is to be deployed, before any long work; a run that made no predictor is refused."""
    if run.kind != "experiment":
        raise ConfigError(
            f"{run.name} ranked symbols and fitted nothing, wanted a run whose predictor decides; its rule is deployed "
            "by deploy_ranks"
        )
    if folder.exists():
        raise ConfigError(f"a bundle is written once, and {folder} exists; name another folder with --out")
    return run.profile(options.profile or run.manifest.deployed_profile)


@one_thread()
def deploy(
    run: Replay,
    market: Market,
    folder: Path,
    ledger: Ledger,
    options: DeployOptions,
    *,
    now_ms: int,
    plan: Plan | None = None,
    executor: Executor = INLINE,
    progress: Progress = lambda *_: None,
) -> DeployedBundle:
    """Refit the profile on all the history but a lock-box that is still closed, and write the bundle to `folder`.

    `market` is the run's, loaded again: a DataError where it is another one. The verdict is the one as of now, against
    all that the ledger holds.
    """
    profile = check_deployable(run, folder, options)
    check_same_data(run, market)
    place = TradedPlace.of(market, options.venue, options.symbols)
    check_writable(folder.parent, "the bundle goes", "name another folder with --out")
    check_space(folder.parent, 5_000_000, "the bundle", "free some, or name another folder with --out")
    verdict = verdict_of(run, profile.name, ledger)
    spec = replace(experiment_on(market, run.config, plan), deployed=profile.name)
    place.refuse_unfit(spec.sides, spec.portfolio.cap, ())
    opened = run.verdict.lockbox is not None
    fitted = refit(market, spec, has_lockbox_opened=opened, progress=progress, executor=executor)
    rehearse(fitted.predictor, market)
    predictor = place.renamed(fitted.predictor)
    outside = deployed_columns(predictor, run.config)
    place.refuse_unfit(spec.sides, spec.portfolio.cap, [one.name for one in outside if one.provider == VENUE])
    deployment = Deployment(
        venue=place.venue,
        symbols=place.symbols,
        interval_ms=interval_ms(market.interval),
        trained_from_ms=fitted.trained_from_ms,
        trained_to_ms=fitted.trained_to_ms,
        created_ms=now_ms,
        expires_ms=now_ms + _valid_ms(options.valid_days, fitted),
        profile=profile.name,
        costs=spec.costs,
        portfolio=_portfolio(spec),
        outside=outside,
        verdict=verdict,
        bands=fitted.bands,
        pool=_pool(predictor, run.config, market, place),
    )
    predictor.save(folder, deployment=deployment.to_dict())
    progress("written", 1, 1)
    return DeployedBundle(
        folder=folder,
        bundle_hash=open_bundle(folder).hash,
        deployment=deployment,
        n_train=fitted.n_train,
        reads_lockbox=opened,
        repeats_run=_is_of_run(fitted, run),
    )


def check_same_data(run: Replay, market: Market) -> None:
    """A DataError where the bars, or what was attached to them, are not those that the run was made on."""
    if market.fingerprint == run.manifest.fingerprint:
        return
    then = run.metrics.market.n_bars
    raise DataError(
        f"the bars of {', '.join(market.sources)} are not those of {run.name}: fingerprint {market.fingerprint[:12]} "
        f"of {len(market.bars):,} bars now, {run.manifest.fingerprint[:12]} of {then:,} then. They were changed since, "
        "or a source from outside answers otherwise; make the run again on them, and deploy that one"
    )


def verdict_of(run: Replay, profile: str, ledger: Ledger) -> DeployedVerdict:
    """What may be claimed of the profile today; `proven until` a date is not proven."""
    now = rejudge(run, ledger).now
    own = now.profiles[profile]
    return DeployedVerdict(profile, own.standing, own.sentence, now.ledger_head, run.manifest.run)


def _valid_ms(days: float | None, fitted: Refit) -> int:
    """As long as the run let one fit decide before it was fitted anew; nothing is known of an older one."""
    return fitted.block_ms if days is None else round(days * DAY_MS)


def _portfolio(spec: Experiment) -> DeployedPortfolio:
    one = spec.portfolio
    return DeployedPortfolio(one.fraction, one.cap, one.cash_quote, tuple(spec.sides), one.entry)


def _pool(predictor: Predictor, config: RunConfig, market: Market, place: TradedPlace) -> DeployedPool | None:
    """How the run ranked its symbols among each other, by their names at the venue; None where nothing reads ranks."""
    columns = ranks_of(config)
    if columns is None or not any(name.startswith("rank_") for name in outside_needs(predictor)):
        return None
    named = dict(zip(market.symbols, place.symbols, strict=True))
    listed = {named[symbol]: one.listed_ms for symbol, one in columns.listings.items() if one.listed_ms is not None}
    return DeployedPool(columns.universe, columns.lookbacks, listed, "quote_volume" in market.bars.columns)


def _is_of_run(fitted: Refit, run: Replay) -> bool:
    """Whether the last fold is, fitted again, what the run has stored."""
    own = replace(fitted.last_fold, profile=profile_named(run.manifest.deployed_profile, fitted.last_fold.profiles))
    return files_of(own) == read_bundle(run.folder / "bundle")[0]


def as_json_values(deployed: DeployedBundle) -> dict[str, object]:
    """All of it as plain values."""
    return asdict(deployed) | {"folder": str(deployed.folder), "deployment": deployed.deployment.to_dict()}
