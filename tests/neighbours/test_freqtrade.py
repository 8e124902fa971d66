"""A strategy inside a real freqtrade: it enters where the bundle decides, and freqtrade finds no look-ahead in it."""

import json
import subprocess
from dataclasses import replace

import polars as pl
import pytest
from tests.live.deployments import deployment
from tests.neighbours.environments import environment, python_of

from tradsys.backtest.simulate import PortfolioSpec, simulate
from tradsys.bundle import write_bundle
from tradsys.bundle.deployment import DeployedPortfolio
from tradsys.cli.app import main
from tradsys.core.costs import Costs
from tradsys.core.errors import BundleError, ConfigError
from tradsys.neighbours.freqtrade import ExportedBundle, export_freqtrade, pairs_of
from tradsys.predictor import Predictor
from tradsys.research.judging.rejudge import Replay

PAIR = "BTC/USDT:USDT"
FEE, HOUR_MS = 0.0005, 3_600_000


@pytest.fixture
def traded(finished):
    return ExportedBundle.of_run(Replay(finished[0].folder), "EDGE")


class TestWritten:
    def test_a_symbol_that_is_no_pair_has_to_be_given_one(self, traded, tmp_path):
        with pytest.raises(ConfigError, match="found EDGE; say --pair EDGE=BTC/USDT:USDT"):
            export_freqtrade(traded, tmp_path)

    def test_nothing_is_replaced(self, traded, tmp_path):
        export_freqtrade(traded, tmp_path, pairs=[PAIR])
        with pytest.raises(ConfigError, match=r"nothing is replaced, and .*TradsysEdge\.py"):
            export_freqtrade(traded, tmp_path, pairs=[PAIR])

    def test_a_spot_market_is_long_only_and_the_head_says_so(self, traded, tmp_path):
        text = export_freqtrade(traded, tmp_path, pairs=["BTC/USDT"], name="Spot").strategy.read_text()
        assert "can_short = False" in text and "A spot market has no shorts" in text.split('"""')[1]

    def test_the_head_says_the_verdict_and_what_the_fit_has_seen(self, traded, tmp_path, finished):
        head = export_freqtrade(traded, tmp_path, pairs=[PAIR]).strategy.read_text().split('"""')[1]
        assert finished[0].verdict.profiles["EDGE"].sentence in head
        assert f"{finished[0].metrics.folds[-1].test_from:%Y-%m-%d %H:%M}" in head

    def test_the_file_has_no_blanks_left(self, traded, tmp_path):
        text = export_freqtrade(traded, tmp_path, pairs=[PAIR]).strategy.read_text()
        assert "$" not in text
        compile(text, "strategy", "exec")

    @pytest.mark.parametrize(
        ("said", "words"),
        [
            (["A=BTC/USDT", "B=BTC/USDT"], "a pair of its own"),
            (["BTC/USDT"], "1 pairs for A, B"),
            (["C=BTC/USDT"], "found --pair C"),
        ],
    )
    def test_pairs_that_do_not_fit_are_refused(self, said, words):
        with pytest.raises(ConfigError, match=words):
            pairs_of(["A", "B"], said)

    def test_spot_and_perpetuals_together_are_refused(self, traded, tmp_path, monkeypatch):
        monkeypatch.setattr("tradsys.neighbours.freqtrade.pairs_of", lambda *_: {"A/B": "A", "C/D:D": "C"})
        with pytest.raises(ConfigError, match="found both: A/B, C/D:D"):
            export_freqtrade(traded, tmp_path)

    def test_a_deployed_bundle_says_until_when_and_with_what_share(self, finished, tmp_path):
        predictor = Predictor.load(finished[0].folder / "bundle", "EDGE")
        own = replace(predictor, symbols=("ETH/USDT:USDT",))
        said = deployment(
            symbols=own.symbols,
            profile="EDGE",
            verdict=replace(deployment().verdict, profile="EDGE"),
            portfolio=DeployedPortfolio(0.25, 0.75, 10_000.0, ("long",)),
        )
        own.save(tmp_path / "B", deployment=said.to_dict())
        done = export_freqtrade(ExportedBundle.deployed(tmp_path / "B"), tmp_path / "out")
        text = done.strategy.read_text()
        assert "FRACTION, CAP = 0.25, 0.75" in text and "can_short = False" in text
        assert f"EXPIRES = Timestamp({said.expires_ms}" in text and said.verdict.sentence in text
        assert json.loads(done.config.read_text())["exchange"]["pair_whitelist"] == ["ETH/USDT:USDT"]
        with pytest.raises(ConfigError, match="deployed to trade EDGE, found --profile SNIPER"):
            ExportedBundle.deployed(tmp_path / "B", "SNIPER")

    def test_a_bundle_that_was_not_deployed_says_nothing_of_shares_and_is_refused(self, finished, tmp_path):
        Predictor.load(finished[0].folder / "bundle").save(tmp_path / "B")
        assert main(["export", str(tmp_path / "B"), "--out", str(tmp_path / "out"), "--pair", PAIR]) == 2
        with pytest.raises(ConfigError, match="does not say how its equity is shared"):
            ExportedBundle.deployed(tmp_path / "B")

    def test_a_rank_portfolio_is_refused_as_one(self, tmp_path):
        write_bundle(tmp_path / "B", {"ranks.json": b"{}"}, about={"deployment": {}})
        with pytest.raises(BundleError, match="holds a rank portfolio"):
            ExportedBundle.deployed(tmp_path / "B")

    def test_columns_that_freqtrade_does_not_have_are_refused(self, traded, tmp_path, monkeypatch):
        monkeypatch.setattr("tradsys.neighbours.freqtrade.outside_needs", lambda _: ("macro_vix_r5",))
        with pytest.raises(ConfigError, match="reads macro_vix_r5, which freqtrade hands to no strategy"):
            export_freqtrade(traded, tmp_path, pairs=[PAIR])

    def test_a_lookback_that_no_bot_can_load_is_told(self, traded, tmp_path, monkeypatch):
        monkeypatch.setattr("tradsys.neighbours.freqtrade.MOST_CANDLES", 10)
        done = export_freqtrade(traded, tmp_path, pairs=[PAIR])
        assert "can be backtested, but not started" in done.doubts[0]

    def test_the_command_says_what_to_do_next(self, finished, tmp_path, capsys):
        line = ["export", str(finished[0].folder), "--out", str(tmp_path), "--pair", PAIR]
        assert main(line) == 0
        shown = capsys.readouterr().out
        assert "careful: This is the last fold's predictor" in shown and "--strategy-path" in shown
        assert main([*line, "--to", "freqtrad"]) == 2
        assert "did you mean freqtrade" in capsys.readouterr().err


@pytest.fixture(scope="module")
def session(finished, tmp_path_factory):
    """What freqtrade made of the exported strategy on the last bars of the run, and those bars."""
    python, folder = python_of("freqtrade"), tmp_path_factory.mktemp("freqtrade")
    traded = ExportedBundle.of_run(Replay(finished[0].folder), "EDGE")
    export_freqtrade(traded, folder / "strategies", pairs=[PAIR])
    bars = pl.read_parquet(finished[0].folder / "bars.parquet").tail(1_500)
    bars.select("open", "high", "low", "close", "volume", date="ts").write_parquet(folder / "bars.parquet")
    config = {"exchange": {"name": "binance", "pair_whitelist": []}, "dry_run_wallet": 10_000.0}
    (folder / "config.json").write_text(json.dumps(config))
    command = [python, "-m", "tests.neighbours.freqtrade_session", folder, "TradsysEdge", str(FEE)]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4_000:]
    return json.loads(done.stdout), bars, Predictor.load(traded.folder, "EDGE")


@pytest.mark.slow
class TestInside:
    def test_entries_are_what_the_predictor_decides_on_the_same_bars(self, session):
        told, bars, predictor = session
        decided = predictor.decide_many(bars.with_columns(symbol=pl.lit(predictor.symbols[0])))
        for side, action in (("long", 1), ("short", -1)):
            opens = decided.filter(pl.col("action") == action)["start"].dt.epoch("ms") - HOUR_MS
            assert told["entries"][side] == opens.to_list() != []

    def test_trades_are_those_of_the_kernel_but_for_the_time_limit(self, session):
        """Same entries, prices and sides; a stop or target ends in the same bar, a time limit at the next open."""
        told, bars, predictor = session
        theirs = pl.from_dicts(told["trades"]).sort("open_date")
        first = int(theirs["open_date"][0])
        ours = simulate(
            {"A": bars.drop("symbol")},
            predictor.decide_many(bars).with_columns(symbol=pl.lit("A")),
            costs=Costs(taker_bps=5.0, maker_bps=5.0, slippage_bps=0.0),
            portfolio=PortfolioSpec(),
            start=first,
            end=int(bars["ts"].dt.epoch("ms")[-1]) + HOUR_MS,
        ).trades.with_columns(opened=pl.col("entry_ts").dt.epoch("ms"))
        both = ours.join(theirs, left_on="opened", right_on="open_date", how="inner")
        assert len(both) > 0.8 * len(ours) > 20
        assert (both["side"] == both["is_short"].replace_strict({True: -1, False: 1})).all()
        assert both["entry_price"].to_numpy() == pytest.approx(both["open_rate"].to_numpy(), rel=1e-9)
        barriers = both.filter(pl.col("reason") != "time")
        assert len(barriers) > 10
        assert barriers["exit_price"].to_numpy() == pytest.approx(barriers["close_rate"].to_numpy(), rel=1e-6)
        timed = both.filter(pl.col("reason") == "time")
        assert (timed["close_date"] == timed["exit_ts"].dt.epoch("ms")).all() and len(timed) > 0
        assert set(timed["exit_reason"]) == {"time limit"}

    def test_freqtrades_own_look_ahead_analysis_finds_nothing(self, session):
        found = session[0]["lookahead"]
        assert found["n_signals"] >= 3
        assert (found["has_bias"], found["false_entries"], found["false_indicators"], found["failed"]) == (
            False, 0, [], False,
        )  # fmt: skip
