import json
import shutil

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from threadpoolctl import threadpool_limits

from tradsys.core.errors import BundleError
from tradsys.journal.ledger import Ledger
from tradsys.machine.limits import THREAD_VARIABLES
from tradsys.predictor import Predictor
from tradsys.research.judging.rejudge import Replay
from tradsys.research.run import run

SAME_BYTES = ("metrics.json", "verdict.json", "trades.parquet", "forecasts.parquet", "labels.parquet", "equity.parquet")


@pytest.fixture(scope="module")
def stored(finished):
    return Replay(finished[0].folder)


def test_the_folder_holds_what_the_design_says(finished):
    names = {path.name for path in finished[0].folder.iterdir()}
    assert names >= {"manifest.json", "bundle", *SAME_BYTES}


def test_an_identical_rerun_is_the_same_trial_and_gives_the_same_bytes_with_more_threads_too(
    finished, small_market, quick_config, monkeypatch
):
    first, ledger, root = finished
    n_entries, head = len(ledger.entries()), ledger.head
    for name in THREAD_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with threadpool_limits(2):  # as where numpy was imported on two cores; the first run had one thread
        again = run(small_market, quick_config, root=root / "again", ledger=Ledger(ledger.path))
    ledger.refresh()
    assert (len(ledger.entries()), ledger.head) == (n_entries, head)
    for name in SAME_BYTES:
        assert (again.folder / name).read_bytes() == (first.folder / name).read_bytes(), name


def test_a_run_adds_exactly_its_four_profiles_to_the_ledger(finished):
    trials = finished[1].entries("trial")
    assert [entry.content["profile"] for entry in trials] == ["SNIPER", "AUDITED", "RECKLESS", "EDGE"]
    assert json.loads((finished[0].folder / "verdict.json").read_text())["n_trials"] == 4


def test_another_configuration_is_judged_with_the_first_ones_trials(small_market, quick_config, finished, tmp_path):
    shutil.copytree(finished[2] / "journal", tmp_path / "journal")
    other = quick_config.model_copy(update={"seed": 1})
    second = run(small_market, other, root=tmp_path / "runs", ledger=Ledger(tmp_path / "journal" / "ledger.jsonl"))
    assert second.verdict.n_trials > 4


def test_too_little_history_is_said_in_the_verdict(finished):
    for profile in finished[0].verdict.profiles.values():
        assert profile.verdict == "not proven"
        assert "too little history (150 of 300 days)" in profile.sentence


def test_forecasts_have_a_row_a_decision_and_side_and_nothing_of_the_outcome(stored):
    forecasts = pl.read_parquet(stored.folder / "forecasts.parquet")
    assert forecasts.select("start", "symbol", "side").is_duplicated().sum() == 0
    assert set(forecasts["side"].unique()) == {1, -1}
    assert not {"label", "ret", "net", "end"} & set(forecasts.columns)
    assert forecasts.filter(pl.col("action") != 0).height > 0


def test_no_forecast_lies_in_the_training_part_or_in_the_lockbox(stored, small_market):
    starts = pl.read_parquet(stored.folder / "forecasts.parquet")["start"]
    first, last = small_market.bars["ts"].min(), small_market.bars["ts"].max()
    assert starts.min() >= first + (last - first) * 0.19
    assert starts.max() <= first + (last - first) * 0.80 + small_market.interval
    assert pl.read_parquet(stored.folder / "bars.parquet")["ts"].max() < first + (last - first) * 0.80


def test_the_bundle_decides_as_the_run_did(stored):
    """Parity of the loaded predictor with the rows of its fold, to 1e-5."""
    predictor = Predictor.load(stored.folder / "bundle")
    (frame,) = stored.frames.values()
    forecasts = pl.read_parquet(stored.folder / "forecasts.parquet")
    last_fold = forecasts.filter(pl.col("fold") == forecasts["fold"].max(), pl.col("audit").is_not_null())
    decided = predictor.decide_many(frame.with_columns(symbol=pl.lit("EDGE")))
    both = last_fold.join(decided, on=["start", "side"], suffix="_bundle")
    assert len(both) == len(last_fold) > 500
    for column in ("probability", "expected_net", "rank", "audit"):
        assert np.abs(both[column] - both[f"{column}_bundle"]).max() <= 1e-5, column
    assert (both["action"] == both["action_bundle"]).all()


@pytest.mark.parametrize("back", [1, 2, 100])
def test_one_decision_equals_the_batch(stored, back):
    predictor = Predictor.load(stored.folder / "bundle")
    (frame,) = stored.frames.values()
    seen = frame.head(len(frame) - back + 1)
    decision, batch = predictor.decide(seen), predictor.decide_many(seen).row(-1, named=True)
    assert decision.start == batch["start"]
    assert (decision.action, decision.side, decision.reason) == (batch["action"], batch["side"], batch["reason"])
    for name in ("probability", "audit", "size", "stop_distance", "target_distance"):
        assert getattr(decision, name) == pytest.approx(batch[name], abs=1e-5), name
    assert decision.regime == pytest.approx(batch["regime"], abs=1e-5)


def test_a_bundle_with_a_changed_byte_is_refused(stored, tmp_path):
    bundle = shutil.copytree(stored.folder / "bundle", tmp_path / "bundle")
    ranks = (bundle / "ranks.safetensors").read_bytes()
    (bundle / "ranks.safetensors").write_bytes(ranks[:-1] + bytes([ranks[-1] ^ 1]))
    with pytest.raises(BundleError, match=r"ranks\.safetensors"):
        Predictor.load(bundle)


def test_a_bundle_of_another_feature_schema_is_refused(stored, tmp_path):
    bundle = shutil.copytree(stored.folder / "bundle", tmp_path / "bundle")
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["about"]["feature_schema"] = "0" * 64
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="feature schema 000000000000"):
        Predictor.load(bundle)


@pytest.mark.parametrize("name", ["SNIPER", "AUDITED", "RECKLESS", "EDGE"])
def test_the_stored_forecasts_give_the_same_trades_again(stored, name):
    trades = pl.read_parquet(stored.folder / "trades.parquet").filter(pl.col("profile") == name).drop("profile")
    assert_frame_equal(stored.simulate(stored.profile(name)).trades, trades, check_exact=True)


def test_a_trade_is_the_label_it_stands_for(stored):
    trades = pl.read_parquet(stored.folder / "trades.parquet")
    labels = pl.read_parquet(stored.folder / "labels.parquet")
    joined = trades.join(labels, left_on=["decided", "side"], right_on=["start", "side"], suffix="_label")
    assert len(joined) == len(trades) > 50
    assert np.abs(joined["gross_return"] - joined["ret"]).max() < 1e-12
    assert np.abs(joined["net_return"] - joined["net"]).max() < 1e-9


def test_metrics_say_what_the_forecasts_need_and_whether_the_test_blocks_look_like_the_past(finished):
    metrics = json.loads((finished[0].folder / "metrics.json").read_text())
    importance, adversarial = metrics["importance"], metrics["adversarial"]
    assert importance["n"] == metrics["skill"]["n"]
    assert "ret_6" in importance["clusters"][0]["columns"]  # the edge of this market is momentum
    assert importance["clusters"][0]["deciding"]["low"] > 0
    assert sum(one["gain"]["share"] for one in importance["clusters"]) == pytest.approx(1)
    assert adversarial["sentence"]


def test_metrics_and_verdict_hold_no_clock_and_no_machine(finished):
    for name in ("metrics.json", "verdict.json"):
        text = (finished[0].folder / name).read_text()
        assert "created" not in text
        assert str(finished[2]) not in text
