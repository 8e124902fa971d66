"""A study loses no trial and runs none twice, wherever the process that ran it died."""

import time

import pytest
from tests.research.tuning.conftest import quick
from tests.research.tuning.made_up import SPAN, made_up_forecasts

from tradsys.core.errors import ConfigError
from tradsys.journal.entries import Data
from tradsys.journal.ledger import Ledger
from tradsys.research.tuning.objective import WORST
from tradsys.research.tuning.space import DEFAULT_SPACE
from tradsys.research.tuning.storage import locked_study, open_storage
from tradsys.research.tuning.study import StudyPlan, TuningStudy
from tradsys.research.walk.experiment_spec import experiment_from

SPACE = DEFAULT_SPACE.over(["agent.penalty", "labels.horizon=12:24"])
PLAN = StudyPlan(Data("EDGE 1h", ("m1",), "f" * 64), quick(), SPACE, "skill", n_seeds=2)


class Dies(BaseException):
    """A crash: nothing in the process may catch it."""


@pytest.fixture
def opened(tmp_path):
    """The study as a new process would open it."""

    def open_it(plan=PLAN):
        ledger = Ledger(tmp_path / "ledger.jsonl")
        return TuningStudy.open("s", plan, open_storage(tmp_path, None), ledger, code="c")

    return open_it


def batch(study, size=4, evaluate=made_up_forecasts):
    return study.run_batch(size, evaluate, experiment_from, SPAN)


def entered(study):
    return [entry.content["number"] for entry in Ledger(study.ledger.path).entries("tuning")]


def test_a_batch_finishes_every_trial_and_enters_each_in_the_ledger(opened):
    study = opened()
    done = batch(study)
    assert sorted(one.number for one in done) == sorted(entered(study)) == [0, 1, 2, 3]
    entry = next(e.content for e in study.ledger.entries("tuning") if e.content["outcome"] == "complete")
    assert entry["scores"]["objective"] == pytest.approx(entry["scores"]["mean"] - entry["scores"]["instability"])
    assert set(entry["settings"]) == set(SPACE.keys)


def test_the_same_history_gives_the_same_trials_wherever_it_stopped(opened, tmp_path):
    study = opened()
    batch(study), batch(study)
    (tmp_path / "other").mkdir()
    ledger = Ledger(tmp_path / "other" / "ledger.jsonl")
    for _ in range(2):  # another process each
        other = TuningStudy.open("s", PLAN, open_storage(tmp_path / "other", None), ledger, code="c")
        batch(other)
    assert other.finished() == study.finished()


def test_the_search_finds_the_planted_penalty(opened):
    study = opened()
    for _ in range(8):
        batch(study)
    best = max((one for one in study.finished() if one.is_complete), key=lambda one: one.score.objective)
    assert 0.5 < best.settings["agent.penalty"] < 2.0


def test_the_hopeless_stop_and_the_others_go_on(opened):
    study = opened()
    n_fits = []
    for _ in range(6):
        batch(study, evaluate=lambda fits: n_fits.append(len(fits)) or made_up_forecasts(fits))
    outcomes = {one.outcome for one in study.finished()}
    assert outcomes >= {"complete", "pruned"}
    pruned = [one for one in study.finished() if one.outcome == "pruned"]
    assert {one.score.n_folds for one in pruned} <= {2, 3, 4}
    assert sum(n_fits) < 6 * 4 * 5 * 2
    worst_kept = min(one.score.mean for one in study.finished() if one.is_complete)
    assert sum(one.score.mean for one in pruned) / len(pruned) < worst_kept + 200


def test_a_trial_that_diverges_is_the_worst_and_stops_no_other(opened):
    study = opened()
    study.enqueue({"agent.penalty": 1.0, "labels.horizon": 13}, "bad")
    done = {one.role: one for one in batch(study)}
    assert done["bad"].outcome == "seed 0, fold 1: diverged at step 7"
    assert done["bad"].score.objective == WORST
    assert done[""].is_complete


@pytest.mark.parametrize("fold", range(5))
def test_what_a_dead_process_left_running_is_run_once_more(opened, fold):
    """It dies while the batch is at this fold."""
    study = opened()
    batch(study)

    def dying(fits):
        if fits[0].fold == fold:
            raise Dies
        return made_up_forecasts(fits)

    with pytest.raises(Dies):
        batch(study, evaluate=dying)
    again = opened()
    left = {one.number for one in again._study.get_trials() if one.state.name == "RUNNING"}
    asked = {n: again._study.get_trials()[n].params for n in left}
    assert left
    assert again.recover() == len(left)
    assert again.recover() == 0
    assert opened().recover() == 0
    done = {one.number: one.settings for one in batch(again, size=len(left))}
    assert done == asked
    assert sorted(entered(again)) == sorted({0, 1, 2, 3} | {one.number for one in again.finished()})


@pytest.mark.parametrize("step", ["append", "tell"])
def test_a_result_that_was_kept_is_not_computed_again(opened, step, monkeypatch):
    """It dies before the ledger knows, or before the storage does."""
    study = opened()
    target = study.ledger if step == "append" else study._study
    monkeypatch.setattr(target, step, lambda *_, **__: (_ for _ in ()).throw(Dies()))
    with pytest.raises(Dies):
        batch(study, size=1)
    again = opened()
    assert again.recover() == 0
    assert [one.number for one in again.finished()] == entered(again) == [0]


def test_a_crash_while_recovering_asks_again_once(opened, monkeypatch):
    study = opened()
    with pytest.raises(Dies):
        batch(study, evaluate=lambda fits: (_ for _ in ()).throw(Dies()))
    dying = opened()
    monkeypatch.setattr(dying._study, "tell", lambda *_, **__: (_ for _ in ()).throw(Dies()))
    with pytest.raises(Dies):
        dying.recover()
    again = opened()
    assert again.recover() == 3  # of four, the first is asked again already
    batch(again)
    assert sorted(entered(again)) == [0, 1, 2, 3]
    assert {trial.state.name for trial in again._study.get_trials()} == {"FAIL", "COMPLETE"}


def test_a_half_written_line_and_a_forgotten_lock_are_mended(opened, tmp_path):
    batch(opened())
    with (tmp_path / "study.log").open("ab") as file:
        file.write(b'{"op_code":4,"wor')
    (tmp_path / "study.log.lock").touch()
    study = opened()
    batch(study)
    assert len(opened().finished()) == 8


def test_a_trial_of_another_host_that_is_alive_is_left_alone(opened):
    study = opened()
    study.is_shared, study._host = True, "elsewhere"
    with pytest.raises(Dies):
        batch(study, evaluate=lambda fits: (_ for _ in ()).throw(Dies()))
    with study.heartbeat():
        assert opened().recover() == 0
    study._study.set_user_attr("alive:elsewhere", 0.0)
    assert opened().recover() == 4


def test_a_trial_that_has_no_name_yet_is_left_to_whoever_is_alive(opened):
    study = opened()
    study._study.ask()  # a host that is between asking and putting its name on the trial
    study._study.set_user_attr("alive:elsewhere", time.time())
    assert opened().recover() == 0
    study._study.set_user_attr("alive:elsewhere", 0.0)
    study._study.set_user_attr(f"alive:{study._host}", time.time())
    assert opened().recover() == 1


def test_the_same_settings_are_not_fitted_twice(opened):
    study = opened()
    settings = {"agent.penalty": 1.0, "labels.horizon": 24}
    study.enqueue(settings, "first")
    batch(study, size=1)
    study.enqueue(settings, "second")
    (twin,) = batch(study, size=1, evaluate=lambda fits: pytest.fail("was fitted") if fits else [])
    assert twin.score == study.finished()[0].score


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_seeds": 3}, "n_seeds 2"),
        ({"measure": "growth"}, "measure skill"),
        ({"space": DEFAULT_SPACE.over(["labels.horizon"])}, "another search space"),
        ({"base": quick(upper=2.0)}, r"other settings: labels\.upper=1\.5"),
        ({"data": Data("EDGE 1h", ("m1",), "e" * 64)}, "other bars"),
    ],
)
def test_a_study_about_something_else_is_refused(opened, change, message):
    from dataclasses import replace

    opened()
    with pytest.raises(ConfigError, match=message):
        opened(replace(PLAN, **change))


def test_one_process_at_a_time(tmp_path):
    with locked_study(tmp_path), pytest.raises(ConfigError, match="another process is working"), locked_study(tmp_path):
        pass


def test_a_storage_that_cannot_be_used_says_so(tmp_path):
    with pytest.raises(ConfigError, match="SQLite is slow"):
        open_storage(tmp_path, "sqlite:///x.db")
    with pytest.raises(ConfigError, match=r"needs a package|cannot be used"):
        open_storage(tmp_path, "postgresql://nobody@127.0.0.1:1/none")
