"""`tradsys deploy` of a run of `tradsys rank`: its rule, which has nothing to fit, with its verdict of today."""

from pathlib import Path

from tradsys.bundle.bundle import open_bundle
from tradsys.bundle.deployment import DeployedPool, DeployedPortfolio, Deployment
from tradsys.core.errors import ConfigError
from tradsys.core.files import check_space, check_writable
from tradsys.core.sides import SIDES
from tradsys.core.time import DAY_MS, interval_ms, ts_ms
from tradsys.data.market import Market
from tradsys.journal.ledger import Ledger
from tradsys.predictor.rank_decider import RankDecider
from tradsys.predictor.rank_rule import NAME
from tradsys.research.deploying.deploy import DeployedBundle, DeployOptions, check_same_data, verdict_of
from tradsys.research.deploying.outside_columns import deployed_column
from tradsys.research.deploying.places import TradedPlace
from tradsys.research.judging.rejudge import Replay
from tradsys.research.ranking.market_neutral import MarketNeutralSpec, before_lockbox, market_neutral_from


def check_ranks_deployable(run: Replay, folder: Path, options: DeployOptions) -> None:
    """Refuse a profile that ranks have not, and a folder that is there already."""
    if options.profile not in (None, NAME):
        raise ConfigError(f"{run.name} has the profile {NAME} alone, found --profile {options.profile}; leave it out")
    if folder.exists():
        raise ConfigError(f"a bundle is written once, and {folder} exists; name another folder with --out")


def deploy_ranks(
    run: Replay, market: Market, folder: Path, ledger: Ledger, options: DeployOptions, *, now_ms: int
) -> DeployedBundle:
    """Write the rule of a rank run as a bundle that tells target weights.

    `market` is the run's, loaded again: a DataError where it is another one. Without a time in the options the bundle
    expires after as long as the rule was tried for.
    """
    check_ranks_deployable(run, folder, options)
    check_same_data(run, market)
    place = TradedPlace.of(market, options.venue, options.symbols)
    check_writable(folder.parent, "the bundle goes", "name another folder with --out")
    check_space(folder.parent, 5_000_000, "the bundle", "free some, or name another folder with --out")
    spec = market_neutral_from(run.config)
    place.refuse_unfit(SIDES, spec.gross, ())
    decider = _decider(spec, market, place)
    frames, start, end = before_lockbox(market, spec)
    valid_ms = end - start if options.valid_days is None else round(options.valid_days * DAY_MS)
    deployment = Deployment(
        venue=place.venue,
        symbols=place.symbols,
        interval_ms=interval_ms(market.interval),
        trained_from_ms=min(int(ts_ms(bars)[0]) for bars in frames.values() if len(bars)),
        trained_to_ms=end,
        created_ms=now_ms,
        expires_ms=now_ms + valid_ms,
        profile=NAME,
        costs=spec.costs,
        portfolio=DeployedPortfolio(spec.gross, spec.gross, spec.cash_quote, SIDES),
        outside=tuple(deployed_column(name, market.interval, run.config) for name in decider.rule.outside),
        verdict=verdict_of(run, NAME, ledger),
        bands={},
        pool=DeployedPool(
            decider.universe, (decider.rule.lookback,), dict(decider.listed_ms), decider.has_quote_volume
        ),
    )
    decider.save(folder, deployment=deployment.to_dict())
    return DeployedBundle(
        folder=folder,
        bundle_hash=open_bundle(folder).hash,
        deployment=deployment,
        n_train=0,
        reads_lockbox=run.verdict.lockbox is not None,
        repeats_run=True,
    )


def _decider(spec: MarketNeutralSpec, market: Market, place: TradedPlace) -> RankDecider:
    """The rule with the names of the symbols at the venue."""
    named = dict(zip(market.symbols, place.symbols, strict=True))
    listed = {named[symbol]: one.listed_ms for symbol, one in spec.listings.items() if one.listed_ms is not None}
    has_quote_volume = "quote_volume" in market.bars.columns
    return RankDecider(spec.rule, spec.universe, spec.gross, place.symbols, market.interval, listed, has_quote_volume)
