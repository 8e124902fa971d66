"""A predictor that is about to be deployed, stepped once as a bot steps it."""

from contextlib import suppress

from tradsys.core.errors import DataError, NotEnoughBars
from tradsys.core.time import interval_ms, ts_ms
from tradsys.data.market import Market
from tradsys.predictor.live import LivePredictor, can_step
from tradsys.predictor.predictor import Predictor


def rehearse(predictor: Predictor, market: Market) -> None:
    """Decide the last bar of one symbol's history, that of the first, bar by bar.

    What a first start would have to compile for it lies in the cache after it, on this machine, and a predictor that
    decides otherwise bar by bar than in a batch is refused before there is a bundle.
    """
    if not can_step(predictor):
        return
    bars = market.frames()[market.symbols[0]]
    close_ms = int(ts_ms(bars)[-1]) + interval_ms(predictor.interval)
    with suppress(DataError, NotEnoughBars):  # bars with a gap among the last ones say nothing against the predictor
        LivePredictor(predictor).warm(bars, now=close_ms)
