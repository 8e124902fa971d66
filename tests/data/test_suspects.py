import polars as pl
import pytest

from tradsys.data import load_bars
from tradsys.data.load import load
from tradsys.data.simulate import simulate


def calm(n=2000):
    """A market whose opens are the closes before them, as futures trade."""
    bars = simulate("sv-martingale", n_bars=n)
    shift = (pl.col("close").shift(1).fill_null(pl.col("open")) / pl.col("open")).cum_prod()
    return bars.with_columns(pl.col("open", "high", "low", "close") * shift)


def cut(bars, rows):
    """The bars at `rows` as they looked after the first minutes."""
    is_cut = pl.int_range(pl.len()).is_in(rows)
    early = pl.col("open") + 0.1 * (pl.col("high") - pl.col("open"))
    return bars.with_columns(
        pl.when(is_cut).then(early).otherwise(pl.col("high")).alias("high"),
        pl.when(is_cut).then(pl.col("open")).otherwise(pl.col("low")).alias("low"),
        pl.when(is_cut).then(early).otherwise(pl.col("close")).alias("close"),
        pl.when(is_cut).then(pl.col("volume") * 0.05).otherwise(pl.col("volume")).alias("volume"),
    )


def kinds(path):
    return {repair.kind: repair for repair in load(path).repairs}


def test_bars_fetched_before_they_closed_are_dropped_and_named(tmp_path):
    path = tmp_path / "x.parquet"
    rows = [300, 301, 700, 1500]
    cut(calm(), rows).write_parquet(path)
    repair = kinds(path)["stale partial bars"]
    assert repair.changed
    assert repair.n_rows == 4
    assert [name.split()[1] for name in repair.rows] == [str(row) for row in rows]
    assert len(load_bars(path, log=lambda line: None)) == 1996


def test_a_single_break_is_named_and_left(tmp_path):
    path = tmp_path / "x.parquet"
    cut(calm(), [700]).write_parquet(path)
    found = kinds(path)
    assert "stale partial bars" not in found
    assert found["break"].n_rows == 1
    assert not found["break"].changed


@pytest.mark.parametrize("recipe", ["noise", "sv-martingale", "regimes"])
def test_true_jumps_of_a_market_are_left(tmp_path, recipe):
    path = tmp_path / "x.parquet"
    for seed in range(5):
        bars = simulate(recipe, seed=seed, n_bars=20_000)
        bars.write_parquet(path)
        assert load_bars(path, log=lambda line: None).equals(bars)


def test_a_wrong_tick_is_named_and_left(tmp_path):
    path = tmp_path / "x.parquet"
    bars = calm()
    high = pl.when(pl.int_range(pl.len()) == 5).then(pl.col("high") * 3).otherwise(pl.col("high"))
    spiked = bars.with_columns(high.alias("high"))
    spiked.write_parquet(path)
    assert kinds(path)["spike"].rows == ("row 5 (2019-01-01 05:00)",)
    assert load_bars(path, log=lambda line: None).equals(spiked)


def test_outages_written_flat_keep_their_last_bar(tmp_path):
    """Six outages of four hours each, flat and without volume, after which the market opens elsewhere."""
    path = tmp_path / "x.parquet"
    bars, rows = calm(), pl.int_range(pl.len())
    is_out = (rows % 300).is_between(100, 103)
    last = pl.when(is_out).then(None).otherwise(pl.col("close")).forward_fill()
    flat = [pl.when(is_out).then(last).otherwise(pl.col(name)).alias(name) for name in ("open", "high", "low", "close")]
    outages = bars.with_columns(*flat, pl.when(is_out).then(0.0).otherwise(pl.col("volume")).alias("volume"))
    outages.write_parquet(path)
    assert load_bars(path, log=lambda line: None).equals(outages)
    assert {"break", "stale partial bars"}.isdisjoint(kinds(path))


@pytest.mark.parametrize(
    ("weekdays", "is_told"), [((1, 2, 3, 4, 5), True), ((1, 2, 3, 4, 5, 7), True), (range(1, 8), False)]
)
def test_a_market_with_sessions_is_told_that_they_are_not_modelled(tmp_path, weekdays, is_told):
    path = tmp_path / "x.parquet"
    bars = simulate("noise", n_bars=24 * 40)
    bars.filter(pl.col("ts").dt.weekday().is_in(list(weekdays))).write_parquet(path)
    told = kinds(path).get("sessions")
    assert (told is not None) == is_told
    assert told is None or ("sessions, which are not modelled" in told.sentence and not told.changed)
