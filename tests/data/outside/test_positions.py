"""Open interest, basis and liquidations told to bars: late, revised, stale and absent values, from file and store."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from tradsys.core.bars import TS
from tradsys.core.errors import ConfigError, DataError
from tradsys.data.market import Market
from tradsys.data.outside.positions.position_source import PositionSource, positions_from_file, positions_from_store
from tradsys.data.outside.positions.table import PositionTable, columns_of, in_order, with_positions
from tradsys.data.outside.source import attach_outside
from tradsys.data.settings import DataSettings
from tradsys.data.store import SeriesId, SeriesStore
from tradsys.data.store.manifest import Origin

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
FIRST = datetime(2024, 3, 1, tzinfo=UTC)
NAN = float("nan")
PERP = "binance:BTC/USDT:USDT"


def bars(n=6, first=FIRST):
    ts = pl.Series([first + k * HOUR for k in range(n)], dtype=TS)
    values = {name: np.arange(1.0, n + 1) for name in ("open", "high", "low", "close", "volume")}
    return pl.DataFrame({"ts": ts, **values})


def table(*rows, columns=("open_interest",), **options):
    """Rows of hours after midnight: what each is about, when it was out, and its values."""
    about, out, *values = zip(*rows, strict=True)
    frame = pl.DataFrame(
        {
            "ts": pl.Series([FIRST + hours * HOUR for hours in about], dtype=TS),
            "available_at": pl.Series([FIRST + hours * HOUR for hours in out], dtype=TS),
            **{name: pl.Series(part, dtype=pl.Float64) for name, part in zip(columns, values, strict=True)},
        }
    )
    return PositionTable(in_order(frame, "the test"), "the test", **{"tolerance": 9 * HOUR, **options})


def known(one, column="flow_open_interest", *, n=6):
    return with_positions(bars(n), [one], interval=HOUR)[column].to_list()


def amounts(*rows, **options):
    return table(*rows, columns=("liq_sell", "liq_buy"), **options)


def test_a_level_is_known_at_the_close_by_which_it_was_out_and_not_a_moment_sooner():
    late = 1e-6
    assert known(table((0.5, 1, 10.0), (1.5, 2 + late, 20.0))) == [10.0, 10.0, 20.0, 20.0, 20.0, 20.0]


def test_a_late_row_about_an_earlier_time_replaces_nothing_newer():
    assert known(table((1, 1, 10.0), (3, 3, 30.0), (2, 5, 20.0))) == [10.0, 10.0, 30.0, 30.0, 30.0, 30.0]


def test_a_revision_is_known_from_its_own_time_on():
    assert known(table((1, 1, 10.0), (1, 4, 11.0))) == [10.0, 10.0, 10.0, 11.0, 11.0, 11.0]


def test_a_stale_level_is_missing_and_an_empty_cell_is_no_news():
    stale = table((1, 1, 10.0), (2, 2, None), tolerance=2 * HOUR)
    np.testing.assert_array_equal(known(stale), [10.0, 10.0, 10.0, NAN, NAN, NAN])
    np.testing.assert_allclose(known(stale, "flow_open_interest_age_h"), [0.0, 1.0, 2.0, NAN, NAN, NAN])


def test_amounts_are_summed_over_the_bar_in_which_they_came_out_and_silence_is_no_zero():
    one = amounts((0.5, 0.5, 1.0, 2.0), (1, 1, 3.0, 0.0), (1.5, 2.5, 5.0, 0.0), (3, 3.5, 0.0, 0.0))
    np.testing.assert_array_equal(known(one, "flow_liq_sell"), [4.0, NAN, 5.0, 0.0, NAN, NAN])
    np.testing.assert_array_equal(known(one, "flow_liq_buy"), [2.0, NAN, 0.0, 0.0, NAN, NAN])


def test_a_revised_amount_is_not_counted_twice():
    np.testing.assert_array_equal(known(amounts((1, 1, 3.0, 0.0), (1, 2, 9.0, 0.0)), "flow_liq_sell")[:2], [3.0, NAN])


def test_a_bar_with_fewer_than_half_of_its_rows_has_no_amount():
    one = amounts(*((k / 4, k / 4, 1.0, 0.0) for k in (1, 2, 3, 4, 5, 9, 10)), step=HOUR / 4)
    np.testing.assert_array_equal(known(one, "flow_liq_sell"), [4.0, NAN, 2.0, NAN, NAN, NAN])


def test_gaps_between_bars_lend_their_amounts_to_no_bar():
    one = amounts((0.5, 0.5, 1.0, 0.0), (2.5, 2.5, 5.0, 0.0), (3.5, 3.5, 7.0, 0.0))
    holed = pl.concat([bars(1), bars(4)[3:]])
    assert with_positions(holed, [one], interval=HOUR)["flow_liq_sell"].to_list() == [1.0, 7.0]


def check_nothing_is_known_before_it_is_out(tell):
    """Each bar of a random table, told again with only what was out by its close, says the same."""
    rng = np.random.default_rng(0)
    about = np.sort(rng.uniform(0, 40, 300))
    about[rng.choice(300, 60, replace=False)] = about[rng.choice(300, 60, replace=False)]  # revisions
    out = about + rng.exponential(0.5, 300)  # some very late
    frame = pl.DataFrame(
        {
            "ts": pl.Series([FIRST + hours * HOUR for hours in about], dtype=TS),
            "available_at": pl.Series([FIRST + hours * HOUR for hours in out], dtype=TS),
            **{name: rng.uniform(1, 9, 300) for name in ("open_interest", "liq_sell", "liq_buy")},
        }
    )
    one = PositionTable(in_order(frame, "random"), "random", tolerance=HOUR / 2)
    whole = tell(bars(40), [one], interval=HOUR)
    for row in range(40):
        close = FIRST + (row + 1) * HOUR
        then = replace(one, rows=one.rows.filter(pl.col("available_at") <= close))
        seen = tell(bars(row + 1), [then], interval=HOUR)
        names = columns_of([one])
        np.testing.assert_array_equal(seen.select(names).row(row), whole.select(names).row(row))


def test_no_bar_knows_what_was_not_out():
    check_nothing_is_known_before_it_is_out(with_positions)


def test_the_check_catches_values_that_are_taken_by_their_stamp_or_as_they_were_revised():
    def by_stamp(frame, tables, *, interval):
        own = [replace(one, rows=one.rows.with_columns(available_at=pl.col("ts")).sort("ts")) for one in tables]
        return with_positions(frame, own, interval=interval)

    def as_revised(frame, tables, *, interval):
        final = pl.col("open_interest").last().over("ts")
        own = [replace(one, rows=one.rows.with_columns(final)) for one in tables]
        return with_positions(frame, own, interval=interval)

    for leaky in (by_stamp, as_revised):
        with pytest.raises(AssertionError):
            check_nothing_is_known_before_it_is_out(leaky)


@pytest.mark.parametrize(
    ("columns", "values", "said"),
    [
        (("open_interest",), (-1.0,), "1 values of open_interest cannot be, the first -1.0 at 2024-03-01 01:00"),
        (("basis",), (5.0,), "wanted a fraction such as -0.0005, neither percent nor basis points"),
        (("liq_sell", "liq_buy"), (1.0, float("inf")), "values of liq_buy cannot be"),
    ],
)
def test_values_that_cannot_be_are_refused_by_name(columns, values, said):
    with pytest.raises(DataError, match=said):
        table((1, 1, *values), columns=columns)


def test_what_was_out_before_it_happened_is_refused():
    with pytest.raises(DataError, match="1 rows were out before the time that they are about"):
        table((2, 1, 5.0))


# files


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "flow.csv"
        path.write_text(text)
        return path

    return write


def test_a_file_with_availability_is_read_as_it_says(written):
    path = written(
        "timestamp,available_at,flow_open_interest,liq_sell,liq_buy\n"
        "2024-03-01 00:30:00,2024-03-01 00:40:00,100,,\n"
        "2024-03-01 01:30:00,2024-03-01 02:10:00,110,5,0\n"
    )
    one = with_positions(bars(3), [positions_from_file(path)], interval=HOUR)
    np.testing.assert_array_equal(one["flow_open_interest"].to_list(), [100.0, NAN, 110.0])  # known an hour
    np.testing.assert_array_equal(one["flow_liq_sell"].to_list(), [NAN, NAN, 5.0])
    assert "flow_basis" not in one.columns


def test_a_stamp_alone_needs_a_lag(written, tmp_path):
    path = written("ts,basis\n1709253000000,-0.0005\n")
    with pytest.raises(ConfigError, match=r"has times in ts but none at which they were out; add \?lag_s=SECONDS"):
        positions_from_file(path)
    read = positions_from_file(path, lag=MINUTE).rows
    assert read.row(0) == (FIRST + HOUR / 2, FIRST + HOUR / 2 + MINUTE, -0.0005)
    parquet = tmp_path / "flow.parquet"
    read.write_parquet(parquet)
    assert positions_from_file(parquet).rows.equals(read)
    with pytest.raises(ConfigError, match="leave lag_s out"):
        positions_from_file(parquet, lag=MINUTE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ts,close\n1709253000000,1\n", "must hold some of open_interest, basis, or liq_sell and liq_buy together"),
        ("ts,liq_sell\n1709253000000,1\n", "liq_sell and liq_buy together, found ts, liq_sell"),
        ("open_interest,basis\n1,0.1\n", "says of no row when it was out"),
        ("available_at,open_interest\n1709253000000,many\n", "1 cells of open_interest are no numbers, such as 'many'"),
        ("available_at,open_interest\n,5\n", "1 rows have no available_at"),
    ],
)
def test_a_file_that_tells_nothing_says_what_it_lacks(written, text, said):
    with pytest.raises(DataError, match=said):
        positions_from_file(written(text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("=flow.csv", "found '=flow.csv'"),
        ("flow.csv?late_s=3", "sets late_s; options of a source of positions are lag_s, tolerance_s, every_s"),
        ("flow.csv?lag_s=soon", "cannot be 'soon'; give seconds"),
        ("flow.csv?tolerance_s=0", "tolerance_s must be positive"),
    ],
)
def test_a_source_that_means_nothing_is_explained(text, said):
    with pytest.raises(ConfigError, match=said):
        PositionSource.parse(text)


def test_a_source_names_a_file_or_a_market_of_the_store():
    assert PositionSource.parse("BTCUSDT=a/b.parquet?lag_s=0") == PositionSource("BTCUSDT", "a/b.parquet", timedelta(0))
    stored = PositionSource.parse(f"{PERP}?tolerance_s=60")
    assert (stored.is_stored, stored.own_symbol, stored.symbol) == (True, "BTC/USDT:USDT", "")


# the store


@pytest.fixture
def store(tmp_path):
    """Open interest and premium of six hours, and liquidations of the first and the third of March."""
    store = SeriesStore(tmp_path / "store")

    def keep(name, rows):
        store.write(SeriesId.parse(f"{PERP}:{name}"), rows, Origin("by hand", name, "", 0, 0, len(rows), ""))

    n = 6 * 12
    ts = pl.Series([FIRST + k * 5 * MINUTE for k in range(n)], dtype=TS)
    keep("metrics", pl.DataFrame({"ts": ts, "sum_open_interest": np.arange(n) * 1.0, "sum_open_interest_value": 1.0}))
    premium = {name: np.arange(n) / 1e6 for name in ("open", "high", "low", "close")}
    keep("premium", pl.DataFrame({"ts": ts, **premium}))
    orders = [(0.5, "sell", "filled"), (0.9, "buy", "filled"), (1.5, "sell", "expired"), (50.5, "buy", "filled")]
    keep(
        "liquidations",
        pl.DataFrame(
            {
                "ts": pl.Series([FIRST + hours * HOUR for hours, *_ in orders], dtype=TS),
                "side": [side for _, side, _ in orders],
                "price": 100.0,
                "size_base": 2.0,
                "status": [status for *_, status in orders],
            }
        ),
    )
    return store


def told_from(store, n=6, **options):
    return with_positions(
        bars(n), positions_from_store(store, PERP, start=FIRST, end=FIRST + n * HOUR, **options), interval=HOUR
    )


def test_stored_levels_are_known_with_their_lag(store):
    one = told_from(store)
    assert one["flow_open_interest"].to_list() == [12.0 * k - 2 for k in range(1, 7)]  # stamped 00:50, out 01:00
    np.testing.assert_allclose(one["flow_basis"], [(12 * k - 1) / 1e6 for k in range(1, 7)])  # the bar that just closed
    assert told_from(store, lag=HOUR)["flow_open_interest"].to_list()[1:3] == [12.0, 24.0]


def test_a_day_without_an_order_is_a_hole_and_a_quiet_hour_of_another_day_is_zero(store):
    one = told_from(store, n=72)
    sell = one["flow_liq_sell"].to_numpy()
    assert sell[:3].tolist() == [200.0, 0.0, 0.0]  # what expired liquidated nobody
    assert one["flow_liq_buy"][0] == 200.0
    assert np.isnan(sell[24:48]).all()
    assert np.isfinite(sell[48:]).all()
    assert one["flow_liq_buy"][50] == 200.0


def test_a_table_that_is_not_stored_has_no_columns(store, tmp_path):
    empty = SeriesStore(tmp_path / "other")
    with pytest.raises(
        DataError, match="holds no positions of binance:BTC/USDT:USDT; fetch it: tradsys data download binance"
    ):
        positions_from_store(empty, PERP, start=FIRST, end=FIRST + HOUR)
    later = positions_from_store(store, PERP, start=FIRST + 48 * HOUR, end=FIRST + 72 * HOUR)
    assert columns_of(later) == ("flow_liq_sell", "flow_liq_buy")


# markets


def market(*symbols):
    frames = [bars().select(pl.lit(symbol).alias("symbol"), pl.all()) for symbol in symbols]
    return Market(pl.concat(frames), HOUR, symbols, symbols, (), "0", (), False)


def test_a_market_gets_columns_a_sentence_and_another_fingerprint(store, written):
    both = market("BTC/USDT:USDT", "OTHER")
    attached = attach_outside(both, [PositionSource.parse(PERP)], DataSettings(root=str(store.place)))
    other = attached.bars.filter(symbol="OTHER")
    assert np.isnan(other.select(pl.selectors.starts_with("flow_")).to_numpy()).all()
    assert np.isfinite(attached.bars.filter(symbol="BTC/USDT:USDT")["flow_open_interest"].to_numpy()).all()
    assert attached.fingerprint != both.fingerprint
    assert (
        "flow of BTC/USDT:USDT: open_interest of 70 rows of binance:BTC/USDT:USDT:metrics, out 600 s after"
        in (attached.outside[0])
    )
    assert attach_outside(both, []) is both


def test_what_no_bar_knows_and_whose_it_is_are_said(written):
    path = written("available_at,open_interest\n1609459200000,5\n")
    with pytest.raises(DataError, match="no bar from 2024-03-01 to 2024-03-01 knows anything of flow_open_interest"):
        attach_outside(market("X"), [PositionSource.parse(str(path))])
    with pytest.raises(ConfigError, match="holds the positions of no symbol; say which with SYMBOL=FILE, one of X, Y"):
        attach_outside(market("X", "Y"), [PositionSource.parse(str(path))])
    path = written("available_at,open_interest\n1709253000000,5\n")
    with pytest.raises(ConfigError, match="open_interest of X comes from two sources"):
        attach_outside(market("X"), [PositionSource.parse(f"X={path}")] * 2)
