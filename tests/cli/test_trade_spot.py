"""A spot market as a person trades it: on paper, long only, and refused by name where it cannot be."""

import json
from dataclasses import replace

import polars as pl
import pytest
from tests.live.trading import DAY_MS, deployment
from tests.predictor.conftest import bars, predictor

from tradsys.bundle.deployment import DeployedPortfolio
from tradsys.cli.app import main
from tradsys.core.costs import Costs
from tradsys.core.time import now_ms

__all__ = ["bars", "predictor"]
SYMBOL = "BTC/USDT"
COSTS = Costs(taker_bps=10.0, maker_bps=10.0, funding_bps_per_8h=50.0)
LONG = DeployedPortfolio(1.0, 1.0, 10_000.0, ("long",))


@pytest.fixture
def place(tmp_path, monkeypatch, bars, predictor):
    """A working folder with a tape, and what writes a bundle of a spot market into it."""
    monkeypatch.chdir(tmp_path)
    bars.head(predictor.lookback + 40).with_columns(symbol=pl.lit(SYMBOL)).write_parquet("tape.parquet")
    traded = replace(
        predictor, symbols=(SYMBOL,), valuation=replace(predictor.valuation, slippage={SYMBOL: 1e-4}, costs=COSTS)
    )

    def write(name: str, portfolio: DeployedPortfolio) -> None:
        said = deployment(
            venue="binance-spot",
            symbols=(SYMBOL,),
            interval_ms=3_600_000,
            costs=COSTS,
            profile="TAMED",
            portfolio=portfolio,
            bands=dict.fromkeys(traded.features.columns, (-10.0, 10.0)),
            expires_ms=now_ms() + DAY_MS,
            verdict=replace(deployment().verdict, profile="TAMED"),
        )
        traded.save(tmp_path / name, deployment=said.to_dict())

    return write


def asked(capsys, *words):
    assert main(["trade", *words, "--account", "coins", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_spot_session_buys_and_sells_coins_and_pays_its_fees_in_them(place, capsys):
    place("B", LONG)
    assert main(["trade", "B", "--account", "coins", "--tape", "tape.parquet"]) == 0
    capsys.readouterr()
    trades = asked(capsys, "trades")["trades"]
    assert len(trades) >= 2 and {one["side"] for one in trades} == {1}
    status = asked(capsys, "status")["status"]
    assert (status["venue"], status["market"]) == ("binance-spot", "spot")
    done = [one for one in trades if not one["is_open"]]
    assert done and all(one["funding_quote"] == 0.0 and one["fees_quote"] > 0 for one in done)
    account = status["account_state"]
    left = sum(one["open_base"] * one["entry_price"] for one in trades)
    cash = 10_000 + sum(one["result_quote"] for one in trades) - left
    assert account["spot"]["cash_quote"] == pytest.approx(cash, abs=1e-4)
    assert main(["trade", "export", "--account", "coins", "--out", "lots.csv"]) == 0
    lots = pl.read_csv("lots.csv")
    assert lots.filter(pl.col("closed_ms").is_not_null())["size_base"].sum() == pytest.approx(
        sum(one["size_base"] - one["open_base"] for one in done), rel=2e-3
    )


@pytest.mark.parametrize(
    ("portfolio", "why"),
    [
        (replace(LONG, sides=("long", "short")), "portfolio.sides: the bundle goes short, and BTC/USDT cannot be sold"),
        (
            replace(LONG, cap=1.5),
            "portfolio.cap: the bundle holds up to 1.5 times the equity, and binance-spot",
        ),
    ],
)
def test_what_a_spot_market_has_not_is_refused_by_name(place, capsys, portfolio, why):
    place("B", portfolio)
    assert main(["trade", "B", "--account", "coins", "--tape", "tape.parquet"]) == 2
    assert why in capsys.readouterr().err
