"""A universe chosen at the time: whatever comes later, or is listed later, changes nothing before."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from tradsys.core.bars import TS, split_symbols, validate_bars
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.time import DAY_MS, to_ms
from tradsys.data import load_market
from tradsys.data.simulate import parse_recipe, simulate_universe
from tradsys.data.universe import Listing, UniverseSpec, read_listings

HOUR_MS = 3_600_000
START = datetime(2023, 1, 2, tzinfo=UTC)
SPEC = UniverseSpec(size=2, min_listed_days=3, volume_days=2, rebalance_days=1)


def days(first: int, *volumes: float) -> pl.DataFrame:
    """Bars of one symbol at a price of 1, with a volume of so much a day, from a day on."""
    ts = [START + timedelta(hours=24 * first + i) for i in range(24 * len(volumes))]
    volume = np.repeat(np.array(volumes) / 24, 24)
    frame = pl.DataFrame({"ts": pl.Series(ts).cast(TS), **dict.fromkeys(("open", "high", "low", "close"), 1.0)})
    return frame.with_columns(volume=pl.Series(volume))


def members(universe, day: int) -> set[str]:
    at = np.array([to_ms(START) + day * DAY_MS])
    return {symbol for symbol, is_in in zip(universe.symbols, universe.at(at)[0], strict=True) if is_in}


@pytest.fixture(scope="module")
def frames():
    return split_symbols(simulate_universe(30, seed=2, n_bars=17_520))


def test_the_largest_of_those_listed_long_enough_are_members():
    market = {"A": days(0, *[3.0] * 8), "B": days(0, *[2.0] * 8), "C": days(0, *[1.0] * 8), "D": days(3, *[9.0] * 5)}
    universe = SPEC.choose(market, HOUR_MS)
    assert members(universe, 2) == set()
    assert members(universe, 3) == {"A", "B"}
    assert members(universe, 5) == {"A", "B"}
    assert members(universe, 6) == {"A", "D"}


def test_volume_is_the_median_of_whole_days_before():
    market = {"A": days(0, 1, 1, 1, 1, 1, 1), "B": days(0, 2, 2, 2, 2, 2, 2), "C": days(0, 0, 0, 0, 0, 9, 9)}
    universe = UniverseSpec(size=2, min_listed_days=0, volume_days=3, rebalance_days=1).choose(market, HOUR_MS)
    assert members(universe, 5) == {"A", "B"}  # two of three days of C are still without volume
    assert members(universe, 6) == {"B", "C"}


def test_a_symbol_that_stopped_trading_is_out_on_the_next_day_and_not_before():
    market = {"A": days(0, *[1.0] * 8), "B": days(0, *[2.0] * 5)}
    universe = SPEC.choose(market, HOUR_MS)
    assert members(universe, 5) == {"A", "B"}
    assert members(universe, 6) == {"A"}


def test_listings_know_an_earlier_start_and_an_end():
    market = {"A": days(0, *[1.0] * 8), "B": days(2, *[2.0] * 6)}
    table = {"B": Listing(to_ms(START) - 40 * DAY_MS, to_ms(START) + 8 * DAY_MS)}
    universe = SPEC.choose(market, HOUR_MS, table)
    assert members(universe, 4) == {"A", "B"}
    assert members(universe, 8) == {"A"}


def test_equal_volumes_are_settled_by_name_whatever_the_order():
    market = {name: days(0, *[1.0] * 5) for name in ("C", "A", "B")}
    assert members(SPEC.choose(market, HOUR_MS), 4) == {"A", "B"}


@pytest.mark.parametrize("share", [0.3, 0.55, 0.8])
def test_what_happens_after_a_time_never_changes_the_universe_before(frames, share):
    spec = UniverseSpec(size=12)
    whole = spec.choose(frames, HOUR_MS)
    cut = int(whole.times[int(share * len(whole.times))])
    past = {name: bars.filter(pl.col("ts").dt.epoch("ms") + HOUR_MS <= cut) for name, bars in frames.items()}
    wild = {
        name: bars.with_columns(
            pl.when(pl.col("ts").dt.epoch("ms") + HOUR_MS > cut)
            .then(pl.col("volume") * 1e6)
            .otherwise(pl.col("volume"))
        )
        for name, bars in frames.items()
    }
    before = whole.times <= cut
    assert whole.member[before].any()
    for other in (spec.choose(past, HOUR_MS), spec.choose(wild, HOUR_MS)):
        assert np.array_equal(other.member[other.times <= cut], whole.member[before])


def test_a_symbol_listed_later_never_changes_the_universe_before(frames):
    spec = UniverseSpec(size=12)
    opens = {name: int(bars["ts"].dt.epoch("ms")[0]) for name, bars in frames.items()}
    later = max(opens, key=lambda name: opens[name])
    without = {name: bars for name, bars in frames.items() if name != later}
    whole, less = spec.choose(frames, HOUR_MS), spec.choose(without, HOUR_MS)
    before = whole.times <= opens[later]
    others = [s for s, name in enumerate(whole.symbols) if name != later]
    assert np.array_equal(whole.member[before][:, others], less.member[before])
    assert not whole.member[before][:, whole.symbols.index(later)].any()


def test_a_symbol_that_will_be_delisted_is_a_member_until_then(frames):
    universe = UniverseSpec(size=30).choose(frames, HOUR_MS)
    ends = {name: int(bars["ts"].dt.epoch("ms")[-1]) for name, bars in frames.items()}
    gone = [name for name, end in ends.items() if end < max(ends.values())]
    assert gone
    for name in gone:
        is_in = universe.member[:, universe.symbols.index(name)]
        assert is_in[universe.times < ends[name]].any()
        assert not is_in[universe.times > ends[name] + DAY_MS].any()


def test_members_are_told_as_a_table(frames):
    universe = UniverseSpec(size=5).choose(frames, HOUR_MS)
    assert len(universe.frame()) == universe.member.sum()
    assert universe.frame()["ts"].is_sorted()


def test_what_cannot_be_chosen_is_refused():
    with pytest.raises(ConfigError, match="size >= 2"):
        UniverseSpec(size=1)
    with pytest.raises(DataError, match="listings name X, which have no bars"):
        SPEC.choose({"A": days(0, 1.0)}, HOUR_MS, {"X": Listing()})
    with pytest.raises(DataError, match="A has bars after its delisting"):
        SPEC.choose({"A": days(0, 1.0, 1.0)}, HOUR_MS, {"A": Listing(None, to_ms(START) + DAY_MS)})
    with pytest.raises(DataError, match="B has bars off the grid"):
        half = days(0, 1.0).with_columns(pl.col("ts") + timedelta(minutes=30))
        SPEC.choose({"A": days(0, 1.0), "B": half}, HOUR_MS)


def test_listings_are_read_from_a_table(tmp_path):
    path = tmp_path / "listings.csv"
    path.write_text("symbol,listed,delisted\nA,2021-03-01,\nB,,2023-05-06\n")
    assert read_listings(path) == {
        "A": Listing(to_ms(datetime(2021, 3, 1, tzinfo=UTC)), None),
        "B": Listing(None, to_ms(datetime(2023, 5, 6, tzinfo=UTC))),
    }
    path.write_text("symbol,listed,delisted\nA,March,\n")
    with pytest.raises(DataError, match=r"listed must hold dates such as 2023-04-01"):
        read_listings(path)
    path.write_text("symbol,listed,delisted\nA,,\nA,,\n")
    with pytest.raises(DataError, match="must name every symbol once"):
        read_listings(path)


def test_simulated_universes_are_bars_and_the_same_for_the_same_seed():
    bars = simulate_universe(6, seed=1, n_bars=3000)
    assert validate_bars(bars).equals(bars)
    assert bars.equals(simulate_universe(6, seed=1, n_bars=3000))
    assert not bars.equals(simulate_universe(6, seed=2, n_bars=3000))


def test_simulated_symbols_come_and_go(frames):
    opens = [bars["ts"][0] for bars in frames.values()]
    ends = [bars["ts"][-1] for bars in frames.values()]
    assert len(frames) == 30
    assert 5 <= sum(ts > min(opens) for ts in opens) <= 15
    assert any(ts < max(ends) for ts in ends)


def test_a_universe_is_loaded_by_its_recipe():
    assert parse_recipe("universe:5:0.02").name == "universe:5:0.02"
    market = load_market(["simulated:universe:3"], seed=4)
    assert market.symbols == ("S00", "S01", "S02")
    with pytest.raises(ConfigError, match="universe takes 2 to 200 symbols"):
        parse_recipe("universe:one")
