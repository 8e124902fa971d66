"""The market that the settings describe: bars, and on them whatever is configured from outside."""

from collections.abc import Sequence
from pathlib import Path

from tradsys.data.market import Market, load_market
from tradsys.data.outside.macro.join import attach_macro
from tradsys.data.settings import DataSettings
from tradsys.settings.books import with_books
from tradsys.settings.config import RunConfig
from tradsys.settings.flow import with_flow
from tradsys.settings.fundings import with_funding
from tradsys.settings.macro import macro_series
from tradsys.settings.ranks import with_ranks


def configured_market(bars: Sequence[str | Path], config: RunConfig, data: DataSettings | None = None) -> Market:
    """Bars of `--bars` with the columns of every macro series, book, flow, table of funding and rank asked for."""
    market = attach_macro(load_market(bars, seed=config.seed, settings=data), macro_series(config.macro, data))
    market = with_flow(with_books(market, config.book), config.flow, data)
    return with_ranks(with_funding(market, config.funding, data), config)
