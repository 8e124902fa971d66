"""A run whose profiles are supervised: beside the plain ones, counted, blocked or halved in risk-off, and stored."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from tests.settings.macro_files import RISKY, SHUNNED, write_series

from tradsys.core.bars import TS
from tradsys.core.errors import ConfigError
from tradsys.data.simulate import simulate
from tradsys.journal.ledger import Ledger
from tradsys.predictor import Predictor
from tradsys.profiles.catalogue import RECKLESS, supervised
from tradsys.profiles.profile import profile_from_dict, profile_to_dict
from tradsys.profiles.rules import RiskOffSize
from tradsys.research.judging.rejudge import Replay
from tradsys.research.lookahead.lookahead import look_ahead
from tradsys.research.run import run
from tradsys.research.walk.experiment import run_experiment
from tradsys.research.walk.experiment_spec import experiment_from
from tradsys.settings.config import RunConfig
from tradsys.settings.market import configured_market

RISK_OFF = 2
QUICK = {"agent": {"name": "logistic"}, "regimes": {"n_starts": 2}, "folds": {"path_groups": 0, "n_folds": 3}}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Bars of four hours over three years, and two series."""
    folder = tmp_path_factory.mktemp("supervised")
    bars = simulate("edge:3", seed=5, n_bars=6_000)
    first = datetime(2021, 1, 4, tzinfo=UTC)
    times = pl.Series([first + k * timedelta(hours=4) for k in range(len(bars))], dtype=TS)
    bars = bars.with_columns(ts=times)
    bars.write_parquet(folder / "EDGE-4h.parquet")
    for seed, name in enumerate((RISKY, SHUNNED)):
        write_series(folder, bars, name, seed=seed)
    return folder


@pytest.fixture(scope="module")
def config(place):
    series = [f"{name}={place / name}.csv" for name in (SHUNNED, RISKY)]
    macro = {"series": series, "supervise": ["RECKLESS", "EDGE=0.5"]}
    return RunConfig(**QUICK, macro=macro, strategy_profile="RECKLESS_MACRO")


@pytest.fixture(scope="module")
def market(place, config):
    return configured_market([place / "EDGE-4h.parquet"], config)


@pytest.fixture(scope="module")
def ledger(place):
    return Ledger(place / "journal" / "ledger.jsonl")


@pytest.fixture(scope="module")
def stored(place, config, market, ledger):
    return Replay(run(market, config, root=place / "runs", ledger=ledger).folder)


@pytest.fixture(scope="module")
def states(stored):
    """Likeliest state at each decision."""
    frame = pl.read_parquet(stored.folder / "forecasts.parquet").filter(side=1)
    return frame.select(
        "start", state=pl.Series(frame.select("macro_0", "macro_1", "macro_2").to_numpy().argmax(axis=1))
    )


def test_each_supervised_profile_stands_beside_its_plain_one_and_both_are_trials(stored, ledger):
    names = ["SNIPER", "AUDITED", "RECKLESS", "EDGE", "RECKLESS_MACRO", "EDGE_MACRO"]
    assert set(stored.verdict.profiles) == set(names)
    assert [entry.content["profile"] for entry in ledger.entries() if entry.kind == "trial"] == names
    assert stored.verdict.n_trials == 6


def test_no_entry_is_decided_in_risk_off_where_it_blocks(stored, states):
    trades = pl.read_parquet(stored.folder / "trades.parquet")
    known = trades.join(states, left_on="decided", right_on="start")
    assert len(known) == len(trades)
    assert set(known.filter(profile="RECKLESS")["state"]) == {0, 1, 2}
    assert set(known.filter(profile="RECKLESS_MACRO")["state"]) == {0, 1}


def test_a_size_is_halved_in_risk_off_and_there_alone(stored):
    (forecasts,) = stored.forecasts().values()
    plain, watched = (stored.profile(name).decide(forecasts) for name in ("EDGE", "EDGE_MACRO"))
    off = forecasts.macro.argmax(axis=1) == RISK_OFF
    assert (plain.action == watched.action).all()
    assert off.any()
    np.testing.assert_array_equal(watched.size, np.where(off, 0.5 * plain.size, plain.size))


def test_what_is_not_known_counts_as_risk_off(stored):
    (forecasts,) = stored.forecasts().values()
    blind = replace(forecasts, macro=np.full_like(forecasts.macro, np.nan))
    acts = stored.profile("RECKLESS_MACRO").decide(blind)
    assert not acts.action.any()
    assert "risk-off in other markets" in acts.reason
    assert RiskOffSize(0.5).share(blind).tolist() == [0.5] * len(forecasts.start)
    with pytest.raises(ConfigError, match="needs the states of other markets, found none"):
        RiskOffSize().share(replace(forecasts, macro=None))


def test_the_metrics_say_what_the_supervisor_changed(stored):
    found = stored.metrics.supervisor
    assert [one.name for one in found.states] == ["risk-on", "neutral", "risk-off", "not known"]
    assert sum(one.share for one in found.states) == pytest.approx(1)
    blocking, halving = found.pairs
    assert (blocking.profile, blocking.supervised, blocking.risk_off_size) == ("RECKLESS", "RECKLESS_MACRO", 0)
    assert (halving.profile, halving.risk_off_size) == ("EDGE", 0.5)
    assert blocking.with_supervisor.total_trades < blocking.without.total_trades
    daily = {name: stored.simulate(stored.profile(name)).daily for name in ("RECKLESS", "RECKLESS_MACRO")}
    gap = 365 * (daily["RECKLESS_MACRO"] - daily["RECKLESS"]).mean()
    assert blocking.difference.value == pytest.approx(gap)
    assert blocking.difference.low < gap < blocking.difference.high


@pytest.mark.parametrize("name", ["RECKLESS_MACRO", "EDGE_MACRO"])
def test_the_stored_forecasts_give_the_same_trades_again(stored, name):
    trades = pl.read_parquet(stored.folder / "trades.parquet").filter(profile=name).drop("profile")
    assert stored.simulate(stored.profile(name)).trades.equals(trades)


def test_the_bundle_decides_as_the_run_did(stored, market):
    predictor = Predictor.load(stored.folder / "bundle")
    assert predictor.profile == supervised(RECKLESS, 0.0)
    assert predictor.lookback >= predictor.supervisor.lookback == 40 * 6
    forecasts = pl.read_parquet(stored.folder / "forecasts.parquet")
    last_fold = forecasts.filter(pl.col("fold") == forecasts["fold"].max(), pl.col("audit").is_not_null())
    actions = []
    for row in last_fold[:: len(last_fold) // 40].iter_rows(named=True):
        decision = predictor.decide(market.bars.filter(pl.col("ts") < row["start"]))
        assert (decision.start, decision.side, decision.action) == (row["start"], row["side"], row["action"])
        actions.append((decision.action, decision.reason))
    assert {"risk-off in other markets"} < {reason for _, reason in actions}


def test_a_supervised_profile_survives_the_bundle_and_has_a_name_of_its_own_in_the_journal():
    watched = supervised(RECKLESS, 0.25)
    assert profile_from_dict(profile_to_dict(watched)) == watched
    assert len({RECKLESS.digest, watched.digest, supervised(RECKLESS, 0.5).digest}) == 3


@pytest.mark.slow
def test_the_supervisor_is_fitted_on_training_rows_alone(config, market):
    """Features, states, decisions and every fit, computed again with another future."""
    spec = experiment_from(config)
    found = look_ahead(run_experiment(market, spec), spec, n_points=2)
    assert found.findings == ()


def test_nobody_supervises_unless_asked_and_what_cannot_be_is_said(config):
    plain = RunConfig(**QUICK, macro={"series": config.macro.series})
    assert experiment_from(plain).supervisor is None
    assert len(experiment_from(plain).profiles) == 4
    for macro, said in (
        ({"supervise": ["EDGE"]}, "needs a series that rises"),
        ({"series": ["gold=gold.csv"], "supervise": ["EDGE"]}, "needs a series that rises"),
        ({"series": config.macro.series, "supervise": ["EGDE"]}, "did you mean EDGE"),
        ({"series": config.macro.series, "supervise": ["EDGE=half"]}, "NAME or NAME=SIZE"),
        ({"series": config.macro.series, "supervise": ["EDGE=1"]}, r"lies in \[0, 1\)"),
    ):
        with pytest.raises(ConfigError, match=said):
            experiment_from(RunConfig(**QUICK, macro=macro))
