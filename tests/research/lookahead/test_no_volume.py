"""Labels and trades on bars in which often nobody trades stand when they are said to be known, and not before."""

from functools import partial

import numpy as np
import pytest
from tests.backtest.markets import random_decisions
from tests.backtest.test_no_volume import rarely_traded
from tests.labels.hand_made import HOUR_MS

from tradsys.backtest import PortfolioSpec
from tradsys.backtest.simulate import simulate
from tradsys.core.costs import Costs
from tradsys.core.traded import NoVolume
from tradsys.data.simulate.market import HOUR
from tradsys.labels import BarrierSpec
from tradsys.research.lookahead.computed_tables import label_tables, settled_closes, trade_tables
from tradsys.research.lookahead.findings import Search
from tradsys.research.lookahead.premature_use import _fills
from tradsys.research.lookahead.without_future import Future, cut, noised
from tradsys.research.walk.dataset import label_symbol

N, HORIZON = 400, 6
COSTS = Costs(borrow_bps_per_year=800.0)


def searched(no_volume: NoVolume, future: Future, *, is_settled: bool = True) -> Search:
    """Labels of bars without their future, compared at every close of the second half."""
    bars, spec = rarely_traded(N, 5, 0.6), BarrierSpec(horizon=HORIZON, no_volume=no_volume)
    labels = label_symbol(bars, HOUR, spec, COSTS)
    settled = settled_closes(bars, HOUR, HORIZON, is_cut=future is cut) if is_settled else None
    search = Search(labels.start, {"": labels.start})
    for at in labels.start[N // 2 :]:
        search.compare(
            label_tables("", labels, settled),
            lambda time: label_tables("", label_symbol(future(bars, HOUR, time), HOUR, spec, COSTS)),
            int(at),
        )
    return search


@pytest.mark.parametrize("no_volume", ["lapse", "wait"])
@pytest.mark.parametrize("future", [cut, noised])
def test_labels_stand_once_they_are_known(no_volume: NoVolume, future: Future) -> None:
    search = searched(no_volume, future)
    assert not search.found
    assert search.n_values > 10_000


def test_without_the_wait_for_the_next_trade_the_check_would_accuse_labels_that_are_right() -> None:
    assert searched("wait", noised, is_settled=False).found


@pytest.mark.parametrize("no_volume", ["lapse", "wait"])
def test_trades_stand_once_they_are_known(no_volume: NoVolume) -> None:
    bars = rarely_traded(N, 5, 0.6)
    decisions, closes = random_decisions({"A": bars}, 2), {"A": (np.arange(N) + 1) * HOUR_MS}
    run = partial(
        simulate,
        decisions=decisions,
        costs=COSTS,
        start=0,
        end=N * HOUR_MS,
        portfolio=PortfolioSpec(no_volume=no_volume),
        barriers=BarrierSpec(horizon=HORIZON),
    )
    search, whole = Search(closes["A"], closes), run({"A": bars})
    tables = partial(trade_tables, "p", closes=closes, wait=HORIZON if no_volume == "wait" else 1)
    for at in closes["A"][N // 2 : -1 : 5]:
        search.compare(
            tables(simulation=whole), lambda time: tables(simulation=run({"A": noised(bars, HOUR, time)})), int(at)
        )
    assert not search.found
    assert whole.n_trades > 30
    assert not any(late.any() for late in _fills(whole.trades, bars, closes["A"], no_volume).values())


def test_an_entry_in_a_bar_without_trades_is_premature() -> None:
    bars, closes = rarely_traded(N, 5, 0.6), (np.arange(N) + 1) * HOUR_MS
    options = {"costs": COSTS, "start": 0, "end": N * HOUR_MS, "barriers": BarrierSpec(horizon=HORIZON)}
    full = bars.with_columns(volume=bars["volume"] + 1.0)
    blind = simulate({"A": full}, random_decisions({"A": full}, 2), **options)
    assert _fills(blind.trades, bars, closes)["entry_ts"].any()
