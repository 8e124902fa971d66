"""Where a run's symbols are traded, and what that venue calls them: from the bars' source, or from the command line."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from tradsys.bundle.deployment import is_spot
from tradsys.core.errors import ConfigError
from tradsys.data.market import Market
from tradsys.data.store.series import SeriesId, is_series
from tradsys.predictor.predictor import Predictor

_SYMBOL = re.compile(r"[^/:=\s]+/[^/:=\s]+(:[^/:=\s]+)?")


@dataclass(frozen=True, slots=True)
class TradedPlace:
    """A venue, and its name for each symbol that the run was fitted on: BTC/USDT on a spot market, BTC/USDT:USDT for
    the perpetual.
    """

    venue: str
    symbols: tuple[str, ...]

    @classmethod
    def of(cls, market: Market, venue: str | None, symbols: Sequence[str]) -> "TradedPlace":
        """What was said (`symbols` in the order of the run's, or as OLD=NEW), and else what the bars say."""
        found = cls(venue or _venue_of(market), _names_of(market, symbols))
        if is_spot(found.venue) and (settled := [symbol for symbol in found.symbols if ":" in symbol]):
            raise ConfigError(
                f"{found.venue} has pairs and no perpetuals, found {', '.join(settled)}; add --symbol "
                f"{settled[0]}={settled[0].partition(':')[0]}"
            )
        return found

    def refuse_ranks(self) -> None:
        """A ConfigError on a spot market: a rank portfolio is half short whatever the settings are."""
        if is_spot(self.venue):
            raise ConfigError(
                f"a rank portfolio is short of its weak symbols, which {self.venue} cannot be; add --venue binance "
                "(perpetuals)"
            )

    def refuse_unfit(self, sides: Collection[str], cap: float, reads: Collection[str]) -> None:
        """A ConfigError where a run's verdict rests on what a spot market has not: shorts, leverage, funding."""
        if not is_spot(self.venue):
            return
        if "short" in sides:
            raise ConfigError(
                f"portfolio.sides: the run went short too, so that its verdict rests on trades that {self.venue} has "
                "not; make a run with --set portfolio.sides=long, and deploy that one"
            )
        if cap > 1:
            raise ConfigError(
                f"portfolio.cap: the run held up to {cap:g} times its equity, and {self.venue} borrows nothing; make a "
                "run with --set portfolio.cap=1, and deploy that one"
            )
        if reads:
            raise ConfigError(f"the run's features read {', '.join(reads)}, and {self.venue} pays no funding")

    def renamed(self, predictor: Predictor) -> Predictor:
        """The predictor, whose symbols have these names now."""
        names = dict(zip(predictor.symbols or (), self.symbols, strict=True))
        valuation = predictor.valuation
        slippage = {names.get(symbol, symbol): value for symbol, value in valuation.slippage.items()}
        return replace(predictor, symbols=self.symbols, valuation=replace(valuation, slippage=slippage))


def _venue_of(market: Market) -> str:
    names = [source.partition("?")[0] for source in market.sources]
    venues = {SeriesId.parse(name).exchange if is_series(name) else "" for name in names}
    if len(venues) == 1 and (venue := venues.pop()):
        return venue
    raise ConfigError(
        f"a deployment names one venue, and bars from {', '.join(names)} do not say which; add --venue, such as "
        "--venue binance (perpetuals) or --venue binance-spot"
    )


def _names_of(market: Market, given: Sequence[str]) -> tuple[str, ...]:
    pairs = dict(one.split("=", 1) for one in given if "=" in one)
    if pairs and len(pairs) < len(given):
        raise ConfigError(f"--symbol is either OLD=NEW or NEW, for all of them alike, found {', '.join(given)}")
    if unknown := [name for name in pairs if name not in market.symbols]:
        raise ConfigError(f"the run has no symbol {', '.join(unknown)}; it has {', '.join(market.symbols)}")
    if given and not pairs:
        if len(given) != len(market.symbols):
            raise ConfigError(
                f"--symbol is given once for each symbol of the run ({', '.join(market.symbols)}), found "
                f"{', '.join(given)}; or as OLD=NEW"
            )
        pairs = dict(zip(market.symbols, given, strict=True))
    names = tuple(pairs.get(symbol, symbol) for symbol in market.symbols)
    if wrong := [name for name in names if not _SYMBOL.fullmatch(name)]:
        raise ConfigError(
            f"venues call a symbol BASE/QUOTE, or BASE/QUOTE:SETTLED for a perpetual, found {', '.join(wrong)}; add "
            f"--symbol {wrong[0]}=BTC/USDT, or whatever it is"
        )
    return names
