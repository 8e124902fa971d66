"""A rank run is a run: found, judged again, put forward and remembered like every other."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from tradsys.core.bars import split_symbols
from tradsys.core.carry import Settlements, settle
from tradsys.core.errors import BundleError, ConfigError, DataError
from tradsys.core.time import DAY_MS, HOUR_MS, ts_ms
from tradsys.data.fingerprint import fingerprint, month_blocks
from tradsys.data.market import Market
from tradsys.data.simulate import simulate_universe
from tradsys.journal.book import read_book
from tradsys.journal.entries import NOT_FITTED, Data
from tradsys.journal.ledger import Ledger
from tradsys.predictor import RankDecider, read_deployment
from tradsys.report import render
from tradsys.report.ranks import MOST_SYMBOLS, ranks_card
from tradsys.research.deploying.deploy import DeployOptions
from tradsys.research.deploying.ranks import deploy_ranks
from tradsys.research.judging.champion import contender, promote
from tradsys.research.judging.rejudge import Replay, rejudge
from tradsys.research.procedures.ranks import RankProcedure
from tradsys.research.run import run
from tradsys.runs.metrics import HeldSymbol
from tradsys.runs.tables import TRADES
from tradsys.settings.config import RunConfig

NOW = 1_780_000_000_000


@pytest.fixture(scope="module")
def market() -> Market:
    bars = simulate_universe(8, 0.035, seed=1, n_bars=12_000)
    symbols = tuple(split_symbols(bars))
    return Market(bars, timedelta(hours=1), ("t",), symbols, (), fingerprint(bars), month_blocks(bars), False)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory) -> Ledger:
    return Ledger(tmp_path_factory.mktemp("journal") / "ledger.jsonl")


@pytest.fixture(scope="module")
def ranked(market, ledger, tmp_path_factory):
    return run(
        market,
        RunConfig(),
        procedure=RankProcedure.of,
        root=tmp_path_factory.mktemp("runs"),
        ledger=ledger,
        render=render,
    )


@pytest.mark.parametrize("side", ["long", "short"])
def test_one_side_alone_is_refused_since_ranks_trade_both(market, side):
    with pytest.raises(
        ConfigError, match=f"ranks are market-neutral and trade both sides, found portfolio.sides={side}"
    ):
        RankProcedure.of(market, RunConfig().with_settings({"portfolio.sides": side}))
    assert RankProcedure.of(market, RunConfig().with_settings({"portfolio.sides": "short,long"})).spec.rule.k is None


def test_its_folder_says_how_to_make_it_again(ranked, market):
    manifest = Replay(ranked.folder).manifest
    assert manifest.kind == "ranks"
    assert manifest.deployed_profile == "RANK"
    assert manifest.sides == ("long", "short")
    assert manifest.fingerprint == market.fingerprint
    assert manifest.machine.cpus > 0
    assert ranked.metrics.lookahead.findings == ()
    equity = pl.read_parquet(ranked.folder / "equity.parquet")
    assert equity["profile"].unique().sort().to_list() == ["BUY_AND_HOLD", "RANK"]


def test_judged_again_by_the_same_ledger_it_is_its_verdict_to_the_last_bit(ranked, ledger):
    again = rejudge(Replay(ranked.folder), ledger)
    assert not again.has_grown
    assert again.now.to_json() == again.then.to_json() == ranked.verdict.to_json()


def test_it_becomes_champion_where_it_is_proven(ranked, ledger, market):
    assert ranked.verdict.profiles["RANK"].verdict == "proven"
    stored = Replay(ranked.folder)
    data = Data(stored.manifest.market, market.blocks, market.fingerprint)
    mine = contender(ledger, data, stored.manifest.experiment, "RANK")
    assert mine.troubles == ()
    assert len(mine.records[0].folds) == RunConfig().folds.n_folds
    assert promote(stored, ledger).standing == "proven"
    assert promote(stored, ledger).why.endswith("is the champion already")


def test_the_journal_knows_what_it_found_and_an_identical_run_adds_nothing(ranked, ledger, market, tmp_path):
    before = len(ledger.entries())
    run(market, RunConfig(), procedure=RankProcedure.of, root=tmp_path, ledger=ledger)
    assert len(ledger.entries()) == before
    (entry,) = ledger.entries("run")
    assert {fold["training"] for fold in entry.content["folds"]} == {NOT_FITTED}
    (book,) = read_book(ledger)
    assert (
        book.ideas[0].title == "ranks, S00, S01, S02 and 5 more, 1h, 2019-01-01 to 2020-05-14, seed 0; default settings"
    )
    assert book.ideas[0].results["RANK"]["verdict"] == "proven"


def test_the_blocks_share_the_trades_of_the_test(ranked):
    folds = ranked.metrics.folds
    trades = pl.read_parquet(ranked.folder / "trades.parquet")
    assert sum(fold.profiles["RANK"].n_trades for fold in folds) == len(trades)
    assert all(one.test_to == other.test_from for one, other in pairwise(folds))


def test_what_needs_forecasts_says_that_there_are_none(ranked):
    with pytest.raises(DataError, match="ranked symbols and made no forecasts"):
        _ = Replay(ranked.folder).spec


def test_its_report_shows_whom_it_held_and_no_skill_of_forecasts(ranked):
    page = ranked.report.read_text(encoding="utf-8")
    assert "Whom the rule held" in page
    assert 'id="skill"' not in page
    assert "nothing saw the future" in page
    run = Replay(ranked.folder)
    card = ranks_card(run.metrics)
    held = run.metrics.universe.symbols
    assert [row.name for row in card.symbols] == [one.symbol for one in sorted(held, key=lambda one: -one.profit_abs)]
    trades = pl.read_parquet(ranked.folder / "trades.parquet")
    assert sum(one.profit_abs for one in held) == pytest.approx(trades["pnl_quote"].sum())
    assert card.spread.low < card.spread.point < card.spread.high
    assert card.n_hidden == 0


def test_of_many_symbols_the_best_and_the_worst_are_shown(ranked):
    run = Replay(ranked.folder)
    many = [HeldSymbol(symbol=f"X{k}", n_long=1, n_short=0, profit_abs=float(k)) for k in range(MOST_SYMBOLS + 7)]
    universe = run.metrics.universe.model_copy(update={"symbols": tuple(many)})
    card = ranks_card(run.metrics.model_copy(update={"universe": universe}))
    assert (card.n_hidden, len(card.symbols)) == (7, MOST_SYMBOLS)
    assert (card.symbols[0].name, card.symbols[-1].name) == (f"X{MOST_SYMBOLS + 6}", "X0")


def test_a_run_without_ranks_has_no_such_card(ranked):
    metrics = Replay(ranked.folder).metrics
    assert ranks_card(metrics.model_copy(update={"universe": None})) is None


PLACE = DeployOptions(venue="binance", symbols=tuple(f"S0{n}=S0{n}/USDT" for n in range(8)))


@pytest.fixture(scope="module")
def deployed(ranked, market, ledger, tmp_path_factory):
    folder = tmp_path_factory.mktemp("deployed") / "B"
    return deploy_ranks(Replay(ranked.folder), market, folder, ledger, PLACE, now_ms=NOW)


def test_its_deployed_rule_chooses_what_the_run_traded_under_the_names_of_the_venue(deployed, ranked, market):
    decider, traded = RankDecider.load(deployed.folder), Replay(ranked.folder).table(TRADES)
    named = market.bars.with_columns(pl.col("symbol") + "/USDT")
    chosen = replace(decider, symbols=tuple(split_symbols(named))).decide_many(named)
    held = {one.start: {symbol for symbol, weight in one.weights.items() if weight} for one in chosen}
    entered = traded.group_by("decided").agg(pl.col("symbol") + "/USDT").rows()
    assert len(entered) > 20
    for decided, symbols in entered:
        assert set(symbols) <= held[decided]


def test_its_bundle_says_where_and_on_whose_word_and_leaves_out_who_was_delisted(deployed, ranked, market, ledger):
    said, replayed = deployed.deployment, Replay(ranked.folder)
    assert (said.venue, said.profile, said.portfolio.cap) == ("binance", "RANK", 1.0)
    gone = {name for name, bars in market.frames().items() if int(ts_ms(bars)[-1]) < market.closes - DAY_MS}
    assert gone and said.symbols == tuple(f"S0{n}/USDT" for n in range(8) if f"S0{n}" not in gone)
    assert len(RankDecider.load(deployed.folder).slippage) == len(said.symbols)
    assert said.verdict.sentence == rejudge(replayed, ledger).now.profiles["RANK"].sentence
    assert said.pool is not None and said.pool.lookbacks == (168,)
    with pytest.raises(BundleError, match="holds a rank portfolio"):
        read_deployment(deployed.folder)


def test_a_profile_or_market_that_ranks_do_not_have_and_a_folder_that_is_there_are_refused(
    ranked, market, ledger, tmp_path
):
    one = Replay(ranked.folder)
    for options, folder, said in (
        (replace(PLACE, profile="SNIPER"), tmp_path / "B", "has the profile RANK alone, found --profile SNIPER"),
        (PLACE, tmp_path, "a bundle is written once"),
        (replace(PLACE, venue="binance-spot"), tmp_path / "B", "binance-spot cannot be; add --venue binance"),
    ):
        with pytest.raises(ConfigError, match=said):
            deploy_ranks(one, market, folder, ledger, options, now_ms=NOW)


def test_the_bundle_of_a_carry_portfolio_asks_for_the_funding_that_it_is_chosen_by(market, tmp_path):
    paying = market.attached(pl.concat(paid(symbol, bars) for symbol, bars in market.frames().items()), "funding")
    ledger = Ledger(tmp_path / "journal" / "ledger.jsonl")
    config = RunConfig(rank={"signal": "carry", "overlap": 2})
    ran = run(paying, config, procedure=RankProcedure.of, root=tmp_path / "runs", ledger=ledger)
    made = deploy_ranks(Replay(ran.folder), paying, tmp_path / "B", ledger, PLACE, now_ms=NOW)
    asked = {column.name: (column.provider, column.policy) for column in made.deployment.outside}
    assert asked == dict.fromkeys(("funding_due", "funding_within", "funding_rate"), ("venue", "refuse"))
    decider = RankDecider.load(tmp_path / "B")
    bars = paying.bars.with_columns(pl.col("symbol") + "/USDT").filter(pl.col("symbol").is_in(made.deployment.symbols))
    chosen = [one for one in decider.decide_many(bars) if any(one.weights.values())]
    assert len(chosen) > 100
    with pytest.raises(DataError, match="carry needs the funding"):
        decider.decide_many(bars.drop("funding_rate"))


def paid(symbol: str, bars: pl.DataFrame) -> pl.DataFrame:
    ts = ts_ms(bars)
    times = np.arange(int(ts[0]), int(ts[-1]), 8 * HOUR_MS)
    rates = np.random.default_rng(int(symbol[1:])).normal(0, 1e-4, len(times))
    columns = settle(ts, HOUR_MS, Settlements.of(times, rates)).columns()
    return bars.with_columns(pl.lit(symbol).alias("symbol"), *(pl.Series(n, v) for n, v in columns.items()))
