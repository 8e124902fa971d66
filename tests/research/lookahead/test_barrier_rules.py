"""A barrier rule that peeks is found by rows whose future is taken away one by one."""

from dataclasses import dataclass

import pytest
from tests.labels.rules import EveryThird, MedianRange, Peeks

from tradsys.core.time import HOUR_MS, ts_ms
from tradsys.data.simulate import simulate
from tradsys.data.simulate.market import HOUR
from tradsys.labels import BarrierSpec, EwmaVolatility
from tradsys.research.lookahead.barrier_rules import check_rule
from tradsys.research.lookahead.findings import RowsChecked, Search
from tradsys.research.lookahead.lookahead import SAMPLE_ROWS
from tradsys.research.walk.dataset import Dataset


@dataclass(frozen=True)
class RemembersMore(MedianRange):
    """It says that it needs half of what it needs."""

    name = "remembers_more"

    @property
    def lookback(self):
        return self.window // 2


@dataclass(frozen=True)
class LaterEvents(EveryThird):
    """Its events are bars before the largest moves of all time."""

    name = "later_events"

    def event_rows(self, bars):
        rises = bars["close"].pct_change().shift(-1).fill_null(0.0)
        return (rises > 0.01).to_numpy()


def checked(rule):
    bars = simulate("noise", n_bars=6_000, seed=3)
    closes = ts_ms(bars) + HOUR_MS
    search, data = Search(closes, {"X": closes}), Dataset(HOUR, {"X": bars}, {})
    rows = check_rule(search, data, BarrierSpec(rule=rule), SAMPLE_ROWS, RowsChecked(700, 6_000, 740), seed=1)
    return search, rows


@pytest.mark.parametrize("rule", [None, EwmaVolatility(), MedianRange(), EveryThird()])
def test_who_looks_back_alone_is_in_order(rule):
    search, rows = checked(rule)
    assert (search.found, rows.unsettled) == ({}, ())
    assert search.n_values > 600


@pytest.mark.parametrize("every", [1, 100])
def test_who_peeks_is_found(every):
    ((part, column, symbol),) = checked(Peeks(every=every))[0].found
    assert (part, column, symbol) == ("barriers", "pace by peeks", "X")


def test_whose_events_peek_is_found():
    assert ("barriers", "is_event", "X") in checked(LaterEvents())[0].found


def test_who_needs_more_bars_than_it_says_is_named():
    search, rows = checked(RemembersMore())
    assert search.found == {}
    assert "fewer rows of remembers_more, which needs more bars than its lookback says" in rows.sentence
