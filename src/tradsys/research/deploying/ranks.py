"""`tradsys deploy` of a run of `tradsys rank`: its rule, which has nothing to fit, with its verdict of today."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from tradsys.bundle.bundle import open_bundle
from tradsys.bundle.deployment import DeployedPool, DeployedPortfolio, Deployment
from tradsys.core.costs import ESTIMATED
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.files import check_space, check_writable
from tradsys.core.sides import SIDES
from tradsys.core.slippage import slippage_of
from tradsys.core.time import DAY_MS, interval_ms, ts_ms
from tradsys.data.market import Market
from tradsys.features.universe_ranks import LEAST
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
    place.refuse_ranks()
    frames, start, end = before_lockbox(market, spec)
    named = _still_traded(market, place)
    decider = _decider(spec, market, named, frames)
    valid_ms = end - start if options.valid_days is None else round(options.valid_days * DAY_MS)
    deployment = Deployment(
        venue=place.venue,
        symbols=tuple(named.values()),
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


def _still_traded(market: Market, place: TradedPlace) -> dict[str, str]:
    """The venue's names of the symbols whose bars go on to the end; who was delisted before is in no universe then.

    A DataError where fewer are left than can be ranked.
    """
    since_ms = market.closes - DAY_MS
    last_ms = {symbol: int(ts_ms(bars)[-1]) for symbol, bars in market.frames().items()}
    names = dict(zip(market.symbols, place.symbols, strict=True))
    named = {symbol: name for symbol, name in names.items() if last_ms[symbol] >= since_ms}
    if len(named) < LEAST:
        raise DataError(
            f"ranks compare {LEAST} symbols at least, and of {len(names)} only {', '.join(named) or 'none'} traded on "
            "the last day of the run's bars; rank later bars, of more symbols"
        )
    return named


def _decider(
    spec: MarketNeutralSpec, market: Market, named: Mapping[str, str], frames: Mapping[str, pl.DataFrame]
) -> RankDecider:
    """The rule with the names of the symbols at the venue, and what market orders paid at the end of `frames`."""
    listed = {
        named[one]: listing.listed_ms
        for one, listing in spec.listings.items()
        if one in named and listing.listed_ms is not None
    }
    has_quote_volume = "quote_volume" in market.bars.columns
    slippage: dict[str, float] = {}
    if spec.costs.slippage_bps == ESTIMATED:
        slippage = {
            name: float(slippage_of(frames[one], spec.costs)[-1]) for one, name in named.items() if len(frames[one])
        }
    symbols = tuple(named.values())
    return RankDecider(
        spec.rule, spec.universe, spec.gross, symbols, market.interval, listed, has_quote_volume, slippage
    )
