"""A bundle that is to be traded: what decides in it, what it says about where and on whose word, and its hash."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tradsys.bundle.bundle import RANKS, open_bundle
from tradsys.bundle.deployment import Deployment
from tradsys.core.errors import BundleError
from tradsys.core.plugins import load_plugins
from tradsys.core.time import interval_ms
from tradsys.predictor.outside_needs import outside_needs
from tradsys.predictor.predictor import Predictor
from tradsys.predictor.rank_decider import RankDecider


class TradedBundle(NamedTuple):
    """What decides, what the bundle says of itself, and the SHA-256 of its manifest."""

    predictor: Predictor
    deployment: Deployment
    bundle_hash: str


class RankBundle(NamedTuple):
    """The same of a rank portfolio: what decides tells target weights."""

    ranks: RankDecider
    deployment: Deployment
    bundle_hash: str


def read_traded(
    folder: Path | str, *, plugins: Sequence[str | Path] = (), log: Callable[[str], None] | None = None
) -> TradedBundle | RankBundle:
    """Whichever of both a bundle is that `tradsys deploy` wrote; errors are those of `read_deployment`."""
    bundle = open_bundle(Path(folder))
    if RANKS not in bundle.files:
        return read_deployment(folder, plugins=plugins, log=log)
    load_plugins(plugins)
    deployment, ranks = Deployment.of(bundle.about, folder), RankDecider.of(bundle)
    said = (deployment.symbols, deployment.interval_ms, deployment.portfolio.cap, deployment.pool is None)
    own = (ranks.symbols, interval_ms(ranks.interval), ranks.gross, False)
    _check_same({name: pair for name, *pair in zip(("symbols", "interval_ms", "cap", "pool"), said, own, strict=True)})
    return RankBundle(ranks, deployment, bundle.hash)


def read_deployment(
    folder: Path | str, *, plugins: Sequence[str | Path] = (), log: Callable[[str], None] | None = None
) -> TradedBundle:
    """A bundle that `tradsys deploy` wrote, after every byte has been checked.

    The profile that it was deployed with decides, since the verdict is about that one: STRATEGY_PROFILE is not read.
    A BundleError for a bundle of a run, and for a deployment that is not about this predictor, naming the field.
    """
    load_plugins(plugins)
    bundle = open_bundle(Path(folder))
    deployment = Deployment.of(bundle.about, folder)
    predictor = Predictor.of(bundle, deployment.profile, log=log)
    _check_fit(deployment, predictor)
    return TradedBundle(predictor, deployment, bundle.hash)


def _check_fit(deployment: Deployment, predictor: Predictor) -> None:
    """Raise where the one is not about the other."""
    pairs = {
        "symbols": (deployment.symbols, predictor.symbols),
        "interval_ms": (deployment.interval_ms, interval_ms(predictor.interval)),
        "costs": (deployment.costs, predictor.valuation.costs),
        "entry": (deployment.portfolio.entry, predictor.barriers.entry),
        "bands": (set(deployment.bands), set(predictor.features.columns)),
        "outside": (sorted(one.name for one in deployment.outside), sorted(outside_needs(predictor))),
    }
    _check_same(pairs)


def _check_same(pairs: Mapping[str, Sequence[object]]) -> None:
    for name, (said, own) in pairs.items():
        if said != own:
            raise BundleError(
                f"the bundle's deployment says {name} {said}, and what decides in it has {own}; deploy the run again"
            )
