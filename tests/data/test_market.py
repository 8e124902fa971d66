from datetime import timedelta

import polars as pl
import pytest

from tradsys.core.errors import ConfigError
from tradsys.data import Market, load_market
from tradsys.data.fingerprint import month_blocks
from tradsys.data.simulate import simulate


@pytest.fixture
def files(tmp_path):
    paths = []
    for name, recipe in (("AAA-1h", "noise"), ("BBB-1h", "bull")):
        path = tmp_path / f"{name}.parquet"
        simulate(recipe, n_bars=2000).write_parquet(path)
        paths.append(path)
    return paths


def test_symbols_are_pooled_in_the_order_given(files):
    market = load_market(files[::-1])
    assert isinstance(market, Market)
    assert market.symbols == ("BBB", "AAA")
    assert market.interval == timedelta(hours=1)
    assert market.bars.columns[0] == "symbol"
    assert market.frames()["AAA"].equals(simulate("noise", n_bars=2000))


def test_the_fingerprint_does_not_depend_on_the_order_of_symbols(files):
    assert load_market(files).fingerprint == load_market(files[::-1]).fingerprint


def test_the_fingerprint_changes_with_one_value(files):
    before = load_market(files).fingerprint
    bars = pl.read_parquet(files[0])
    volume = pl.when(pl.int_range(pl.len()) == 7).then(pl.col("volume") * 2).otherwise(pl.col("volume"))
    bars.with_columns(volume.alias("volume")).write_parquet(files[0])
    assert load_market(files).fingerprint != before


def test_seed_and_recipe_are_in_a_simulated_fingerprint():
    prints = {load_market([f"simulated:{r}"], seed=s).fingerprint for r in ("noise", "bull") for s in (0, 1)}
    assert len(prints) == 4
    assert load_market(["simulated:edge:2"]).fingerprint == load_market(["simulated:edge:2.0"]).fingerprint


def test_a_file_of_simulated_bars_is_recognised_by_its_blocks_alone(tmp_path):
    path = tmp_path / "noise.parquet"
    simulate("noise").write_parquet(path)
    drawn, stored = load_market(["simulated:noise"]), load_market([path])
    assert drawn.blocks == stored.blocks
    assert drawn.fingerprint != stored.fingerprint
    assert not drawn.is_development


def test_blocks_know_months_whatever_the_symbol_or_range():
    bars = simulate("noise", n_bars=24 * 90)
    named = bars.select(pl.lit("X").alias("symbol"), pl.all())
    assert month_blocks(named) == month_blocks(bars)
    assert len(month_blocks(bars)) == 3
    february = bars.filter(pl.col("ts").dt.month() == 2)
    assert set(month_blocks(february)) < set(month_blocks(bars))


def test_a_market_is_called_by_its_symbols_interval_and_days(files, tmp_path):
    assert load_market(files[:1]).title.startswith("AAA, 1h, 20")
    more = [tmp_path / f"{name}-1h.parquet" for name in ("CCC", "DDD", "EEE")]
    for seed, path in enumerate(more, 5):
        simulate("noise", seed=seed, n_bars=48).write_parquet(path)
    market = load_market([*files, *more])
    last = market.bars["ts"].max()
    assert market.title == f"AAA, BBB, CCC and 2 more, 1h, {market.bars['ts'].min():%Y-%m-%d} to {last:%Y-%m-%d}"
    assert str(tmp_path) not in market.title


def test_what_was_noticed_names_its_symbol_where_several_are_pooled(files):
    for path in files:
        pl.read_parquet(path).with_row_index().filter(pl.col("index") != 700).drop("index").write_parquet(path)
    pooled, alone = load_market(files), load_market(files[:1])
    assert list(dict.fromkeys(one.symbol for one in pooled.repairs)) == ["AAA", "BBB"]
    assert [one.told for one in pooled.repairs] == [f"{one.symbol}: {one.sentence}" for one in pooled.repairs]
    assert [one.told for one in alone.repairs] == [one.sentence for one in pooled.repairs if one.symbol == "AAA"]


def test_one_market_has_one_interval(files, tmp_path):
    slow = tmp_path / "CCC.parquet"
    simulate("noise", n_bars=100, interval=timedelta(hours=4)).write_parquet(slow)
    with pytest.raises(ConfigError, match=r"must have one interval, found .*1h.*4h"):
        load_market([files[0], slow])


def test_a_symbol_is_given_once(files, tmp_path):
    again = tmp_path / "AAA-spot.parquet"
    simulate("bull", n_bars=100).write_parquet(again)
    with pytest.raises(ConfigError, match="symbol AAA is in"):
        load_market([files[0], again])


def test_a_market_needs_bars():
    with pytest.raises(ConfigError, match="try --bars sample"):
        load_market([])


def test_optional_columns_stay_only_where_all_have_them(files):
    bars = pl.read_parquet(files[0]).with_columns(n_trades=pl.lit(3.0))
    bars.write_parquet(files[0])
    assert "n_trades" in load_market(files[:1]).bars.columns
    assert "n_trades" not in load_market(files).bars.columns


def test_every_listed_name_can_be_imported():
    import tradsys.data as data

    assert [getattr(data, name).__name__ for name in data.__all__] == data.__all__


def test_columns_from_outside_change_the_fingerprint_and_nothing_else():
    market = load_market(["simulated:noise"])
    columns = market.bars.with_columns(macro_x=pl.lit(1.0))
    attached = market.attached(columns, "x of somebody")
    assert attached.fingerprint != market.fingerprint
    assert (attached.blocks, attached.outside) == (market.blocks, ("x of somebody",))
    assert market.attached(columns.with_columns(macro_x=pl.lit(2.0)), "x").fingerprint != attached.fingerprint


def test_attaching_must_leave_the_bars_alone():
    market = load_market(["simulated:noise"])
    with pytest.raises(ConfigError, match="attaching x must leave rows and columns"):
        market.attached(market.bars.with_columns(pl.col("close") * 2, macro_x=pl.lit(1.0)), "x")


@pytest.mark.parametrize(
    ("sources", "sides"),
    [(("bull",), ("long",)), (("noise",), ("long", "short")), (("bull", "noise"), ("long", "short"))],
)
def test_only_markets_meant_for_longs_are_traded_on_one_side(sources, sides):
    bars = pl.DataFrame()
    specs = tuple(f"simulated:{one}" for one in sources)
    assert Market(bars, timedelta(hours=1), specs, ("X",), (), "", (), False).sides == sides


def test_a_column_that_not_all_symbols_have_is_left_out_and_told(files):
    pl.read_parquet(files[0]).with_columns(n_trades=pl.lit(5.0)).write_parquet(files[0])
    market = load_market(files)
    assert "n_trades" not in market.bars.columns
    assert [r.sentence for r in market.repairs if r.kind == "incomplete column"] == [
        f"column n_trades was left out of all symbols, since {files[1]} has none"
    ]
