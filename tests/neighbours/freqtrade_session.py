"""A program for freqtrade's environment: its own backtest and look-ahead analysis of a strategy, without a network.

    python freqtrade_session.py FOLDER STRATEGY FEE

FOLDER holds `strategies/`, `config.json` and `bars.parquet`, one-hour candles of BTC/USDT:USDT. What an exchange would
have answered comes from here, freqtrade does all else. What it found is printed as JSON.
"""

import json
import logging
import sys
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import PropertyMock, patch

import pandas as pd
from freqtrade.commands.optimize_commands import setup_optimize_configuration
from freqtrade.data.history import get_datahandler
from freqtrade.enums import CandleType, RunMode
from freqtrade.optimize.analysis.lookahead import LookaheadAnalysis
from freqtrade.optimize.backtesting import Backtesting
from freqtrade.util.progress_tracker import get_progress_tracker

PAIR = "BTC/USDT:USDT"
MARKET = {
    "id": "BTCUSDT", "symbol": PAIR, "base": "BTC", "quote": "USDT", "settle": "USDT", "type": "swap", "swap": True,
    "spot": False, "linear": True, "contract": True, "contractSize": 1.0, "active": True,
    "precision": {"amount": 1e-9, "price": 1e-9}, "info": {},
    "limits": {"amount": {"min": 1e-9}, "cost": {"min": 0.0}, "leverage": {"min": 1, "max": 20}},
}  # fmt: skip
EXCHANGE = "freqtrade.exchange.exchange.Exchange"


def answers(fee: float) -> dict[str, object]:
    """What the exchange's methods return that would ask it."""
    return {
        "reload_markets": None,
        "validate_config": None,
        "get_fee": fee,
        "get_min_pair_stake_amount": 0.001,
        "get_max_pair_stake_amount": 1e12,
        "get_max_leverage": 20.0,
        "get_maintenance_ratio_and_amt": (0.004, 0.0),
        "get_liquidation_price": None,
    }


def fill_tiers(exchange: object) -> None:
    """One tier without limits."""
    tier = {
        "minNotional": 0.0,
        "maxNotional": 1e12,
        "maintenanceMarginRate": 0.004,
        "maxLeverage": 20.0,
        "maintAmt": 0.0,
    }
    exchange._leverage_tiers = {PAIR: [tier]}


def store(folder: Path, bars: pd.DataFrame) -> None:
    """The candles as freqtrade keeps them, their marks, and a funding of nothing."""
    handler = get_datahandler(folder / "data", "feather")
    handler.ohlcv_store(PAIR, "1h", bars, CandleType.FUTURES)
    handler.ohlcv_store(PAIR, "1h", bars, CandleType.MARK)
    nothing = bars.iloc[::8][["date"]].assign(funding_rate=0.0)
    handler.ohlcv_store(PAIR, "1h", nothing, CandleType.FUNDING_RATE)


def configuration(folder: Path, strategy: str) -> dict:
    """As `freqtrade backtesting -c ... --strategy ...` makes it."""
    args = {
        "config": [str(folder / "config.json"), str(folder / "strategies" / f"{strategy}-config.json")],
        "strategy": strategy,
        "strategy_path": str(folder / "strategies"),
        "user_data_dir": str(folder),
        "datadir": str(folder / "data"),
        "export": "none",
        "backtest_cache": "none",
    }
    return setup_optimize_configuration(args, RunMode.BACKTEST)


def main(folder: Path, strategy: str, fee: float) -> None:
    """The signals, the trades and the analysis."""
    bars = pd.read_parquet(folder / "bars.parquet")
    (folder / "data" / "futures").mkdir(parents=True)
    store(folder, bars)
    with ExitStack() as patches:
        for name, value in answers(fee).items():
            patches.enter_context(patch(f"{EXCHANGE}.{name}", return_value=value))
        patches.enter_context(patch(f"{EXCHANGE}.fill_leverage_tiers", fill_tiers))
        patches.enter_context(patch(f"{EXCHANGE}.markets", PropertyMock(return_value={PAIR: MARKET})))
        backtesting = Backtesting(configuration(folder, strategy))
        data, _ = backtesting.load_bt_data()
        backtesting.backtest_one_strategy(backtesting.strategylist[0], data, backtesting.timerange)
        trades = backtesting.all_bt_content[strategy]["results"]
        frame = backtesting.strategylist[0].advise_all_indicators({PAIR: bars})[PAIR]
        frame = backtesting.strategylist[0].ft_advise_signals(frame, {"pair": PAIR})
        looked = look_ahead(configuration(folder, strategy), strategy, bars["date"])
    told = {
        "trades": [trade(row) for row in trades.to_dict("records")],
        "entries": {
            side: list(map(ms, frame.loc[frame[f"enter_{side}"] == 1, "date"]))
            for side in ("long", "short")
            if f"enter_{side}" in frame
        },
        "lookahead": looked,
    }
    json.dump(told, sys.stdout)


def trade(row: dict) -> dict[str, object]:
    """What is compared of a trade."""
    numbers = {name: float(row[name]) for name in ("open_rate", "close_rate", "profit_ratio", "stake_amount")}
    times = {name: ms(row[name]) for name in ("open_date", "close_date")}
    return numbers | times | {"is_short": bool(row["is_short"]), "exit_reason": row["exit_reason"]}


def ms(time: pd.Timestamp) -> int:
    """Milliseconds since 1970."""
    return int(time.timestamp() * 1000)


def look_ahead(config: dict, strategy: str, dates: pd.Series) -> dict[str, object]:
    """What `freqtrade lookahead-analysis` finds in a handful of trades."""
    first, last = (int(one.timestamp()) for one in (dates.iloc[0], dates.iloc[-1]))
    config |= {"timerange": f"{first}-{last}", "minimum_trade_amount": 3, "targeted_trade_amount": 6}
    config |= {"dry_run_wallet": 1e9, "stake_amount": 10_000, "max_open_trades": -1}
    analysis = LookaheadAnalysis(
        config, {"name": strategy, "location": Path(config["strategy_path"]) / f"{strategy}.py"}
    )
    with get_progress_tracker() as progress:
        analysis.start(progress)
    found = analysis.current_analysis
    return {
        "n_signals": found.total_signals,
        "has_bias": found.has_bias,
        "false_entries": found.false_entry_signals,
        "false_indicators": list(found.false_indicators),
        "failed": analysis.failed_bias_check,
    }


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
