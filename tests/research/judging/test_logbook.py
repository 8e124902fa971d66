import shutil

import pytest

from tradsys.core.errors import ConfigError, FitError
from tradsys.journal.entries import Data, Hypothesis
from tradsys.journal.ledger import Ledger
from tradsys.research import run as run_module
from tradsys.research.judging.logbook import record_look
from tradsys.research.judging.rejudge import Replay
from tradsys.research.judging.trials import data_of, run_name


@pytest.fixture(scope="module")
def stored(finished):
    return Replay(finished[0].folder)


def test_a_run_leaves_its_result_and_the_choices_of_every_fold(finished, stored):
    ledger = finished[1]
    (entry,) = ledger.entries("run")
    assert entry.content["run"] == stored.manifest.run
    assert entry.content["market"] == "EDGE 1h"
    assert entry.content["ledger_head"] == stored.verdict.ledger_head
    for name, result in entry.content["results"].items():
        judged = stored.verdict.profiles[name]
        assert {
            key: getattr(judged, key) for key in ("verdict", "p", "sharpe", "n_trades", "n_days")
        }.items() <= result.items()
    choices = [entry.content for entry in ledger.entries("choice")]
    assert [one["what"] for one in choices] == [
        *("profile", "agent", *["threshold"] * 3, "regime map"),
        *("profile", "threshold", "regime map"),  # of the chosen procedure
    ]
    assert all(len(one["by_fold"]) == 6 for one in choices[1:])
    assert choices[0]["by_fold"] == ["SNIPER"]


def test_the_threshold_of_a_fold_is_the_probability_that_its_rank_stands_for(finished, stored):
    sniper = next(e.content for e in finished[1].entries("choice") if e.content["among"] == ["SNIPER"])
    import polars as pl

    forecasts = pl.read_parquet(stored.folder / "forecasts.parquet").filter(pl.col("rank") > 0.95)
    for fold, level in enumerate(sniper["by_fold"]):
        assert forecasts.filter(pl.col("fold") == fold)["probability"].min() >= level > 0.4


def test_nothing_of_it_counts_as_a_trial(finished, stored):
    assert finished[1].n_trials_on(stored.manifest.blocks) == 4


def test_the_run_is_named_by_data_configuration_seed_and_code(stored, small_market):
    name = run_name(small_market, stored.spec, stored.manifest.code)
    assert name == stored.manifest.run
    assert run_name(small_market, stored.spec, "other code") != name


class TestHypothesis:
    @pytest.fixture
    def ledger(self, tmp_path):
        return Ledger(tmp_path / "ledger.jsonl")

    def test_is_tied_to_the_run_that_looks_at_it(self, ledger, small_market, stored):
        entry = ledger.append(Hypothesis(data=data_of(small_market), text="momentum").content())
        assert record_look(entry.content_hash[:8], small_market, stored.spec, ledger, code="c") == entry.content_hash
        (look,) = ledger.entries("look")
        assert look.content["hypothesis"] == entry.content_hash
        assert look.content["run"] == run_name(small_market, stored.spec, "c")

    def test_about_other_data_is_refused(self, ledger, small_market, stored):
        entry = ledger.append(Hypothesis(data=Data("ETH 1h", ("other",)), text="momentum").content())
        with pytest.raises(ConfigError, match="is about ETH 1h, and this run's data share no month with it"):
            record_look(entry.content_hash, small_market, stored.spec, ledger, code="c")
        assert ledger.entries("look") == []

    def test_that_nobody_wrote_down_is_refused(self, ledger, small_market, stored):
        with pytest.raises(ConfigError, match="no hypothesis in"):
            record_look("abcdef", small_market, stored.spec, ledger, code="c")


def test_a_run_that_cannot_be_fitted_is_remembered(small_market, quick_config, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise FitError("loss is nan")

    monkeypatch.setattr("tradsys.research.procedures.experiment.run_experiment", fail)
    ledger = Ledger(tmp_path / "ledger.jsonl")
    with pytest.raises(FitError, match="loss is nan"):
        run_module.run(small_market, quick_config, root=tmp_path / "runs", ledger=ledger)
    (entry,) = ledger.entries()
    assert (entry.kind, entry.content["reason"]) == ("failure", "loss is nan")


def test_a_trial_another_process_wrote_meanwhile_is_counted(small_market, finished, stored, tmp_path):
    from tradsys.research.judging.rejudge import _own_series
    from tradsys.research.judging.trials import record_and_judge

    shutil.copytree(finished[2] / "journal", tmp_path / "journal")
    ledger = Ledger(tmp_path / "journal" / "ledger.jsonl")
    own = _own_series(stored, ledger)
    Ledger(ledger.path).append({"kind": "trial", "blocks": small_market.blocks, "n": 1})
    guard_bars = stored.manifest.guard_bars
    judged = record_and_judge(own, small_market, stored.spec, ledger, guard_bars=guard_bars, code="c")
    assert judged.judgement.n_trials == 5
    assert judged.ledger_head == Ledger(ledger.path).head_for(small_market.blocks)
