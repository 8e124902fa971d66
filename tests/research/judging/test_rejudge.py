import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tradsys.core.errors import DataError, LedgerError
from tradsys.journal.entries import LockboxOpening, RecordedDecision
from tradsys.journal.ledger import Ledger
from tradsys.research.judging.rejudge import Replay, rejudge
from tradsys.research.judging.trials import data_of
from tradsys.runs.folder import file_hashes


@pytest.fixture(scope="module")
def proven(finished, tmp_path_factory):
    """The finished run under rules that eight months of a strong edge can satisfy, with its ledger."""
    folder = shutil.copytree(finished[0].folder, tmp_path_factory.mktemp("runs") / "lenient")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["config"]["verdict"] |= {"min_days": 100, "min_trades": 30, "alpha": 0.1}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    verdict = rejudge(Replay(folder), finished[1]).now
    (folder / "verdict.json").write_text(json.dumps(verdict.to_json()))
    return Replay(folder), finished[1]


@pytest.fixture
def copied(proven, tmp_path):
    """The same run with a ledger of its own to write to."""
    shutil.copytree(proven[1].path.parent, tmp_path / "journal")
    return proven[0], Ledger(tmp_path / "journal" / "ledger.jsonl")


def test_with_an_unchanged_ledger_it_is_the_stored_verdict_to_the_last_bit(finished, proven):
    for stored, ledger in ((Replay(finished[0].folder), finished[1]), proven):
        judged = rejudge(stored, ledger)
        assert judged.now.to_json() == json.loads((stored.folder / "verdict.json").read_text())
        assert not judged.has_grown
        assert judged.sentences == ()


def test_the_folder_is_left_alone(copied):
    stored, ledger = copied
    before = file_hashes(stored.folder)
    ledger.append({"kind": "trial", "blocks": stored.manifest.blocks, "n": 1})
    rejudge(stored, ledger)
    assert file_hashes(stored.folder) == before


def test_a_proven_edge_lapses_when_enough_else_has_been_tried(copied):
    stored, ledger = copied
    was_proven = [name for name, judged in stored.verdict.profiles.items() if judged.verdict == "proven"]
    assert was_proven
    for n in range(200):
        ledger.append({"kind": "trial", "blocks": stored.manifest.blocks, "n": n})
    judged = rejudge(stored, ledger)
    assert judged.now.n_trials == 204
    assert judged.lapsed
    assert judged.sentences[0] == "More has been tried on this data since: 4 trials then, 204 now."
    assert f'{judged.lapsed[0]}: its "proven" has lapsed; it is not proven now that 204 trials count instead of 4.' in (
        judged.sentences
    )
    for name, now in judged.now.profiles.items():
        assert now.p >= stored.verdict.profiles[name].p


def test_what_others_tried_elsewhere_and_notes_on_this_data_change_nothing(copied, small_market):
    stored, ledger = copied
    ledger.append({"kind": "trial", "blocks": ["another month"]})
    note = RecordedDecision(data=data_of(small_market), subject=stored.manifest.run, decision="adopted", why="it holds")
    ledger.append(note.content())
    assert not rejudge(stored, ledger).has_grown


def test_stored_series_of_later_trials_join_the_step_down(copied):
    stored, ledger = copied
    own = ledger.load_trial(stored.manifest.trials["EDGE"])
    for k in range(5):
        daily = own.daily + np.random.default_rng(k).normal(0, 0.003, len(own.daily))
        ledger.append_trial({"blocks": stored.manifest.blocks}, replace(own, daily=daily))
    judged = rejudge(stored, ledger)
    assert judged.has_grown
    assert judged.now.n_trials == 9
    assert judged.now.n_compared == stored.verdict.n_compared + 5


def test_a_ledger_that_does_not_know_the_run_is_refused(proven, tmp_path):
    with pytest.raises(LedgerError, match=r"does not hold the trials of .*--journal"):
        rejudge(proven[0], Ledger(tmp_path / "ledger.jsonl"))


def test_a_run_of_an_earlier_version_says_what_it_lacks(proven, tmp_path):
    folder = shutil.copytree(proven[0].folder, tmp_path / "old")
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["guard_bars"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(DataError, match=r"manifest.json is not what this version reads: guard_bars: field required"):
        rejudge(Replay(folder), proven[1])


def test_a_lockbox_that_others_have_opened_since_has_lapsed(copied, small_market, tmp_path):
    stored, ledger = copied
    folder = shutil.copytree(stored.folder, tmp_path / "opened")
    verdict = stored.verdict.to_json()
    box = verdict["profiles"]["SNIPER"] | {"profile": "SNIPER", "n_other_openings": 0, "detectable_sharpe": 3.0}
    (folder / "verdict.json").write_text(json.dumps(verdict | {"lockbox": box}))
    for seed in range(2):
        looked = LockboxOpening(data=data_of(small_market), experiment="e", profile="SNIPER", seed=seed, code="c")
        ledger.append(looked.content())
        judged = rejudge(Replay(folder), ledger)
        assert judged.now.to_json()["lockbox"] == box
        assert len(judged.sentences) == seed
    assert "has lapsed: 1 more look into it" in judged.sentences[0]


def test_a_run_judged_by_fewer_questions_says_so_and_may_lapse_without_new_trials(copied, tmp_path):
    stored, ledger = copied
    folder = shutil.copytree(stored.folder, tmp_path / "earlier")
    verdict = stored.verdict.to_json()
    for one in verdict["profiles"].values():
        one |= {"verdict": "proven"}
        for name in ("p_alpha", "t_alpha", "kept_late", "sharpe_late", "lately", "until"):
            one.pop(name)
    (folder / "verdict.json").write_text(json.dumps(verdict))
    judged = rejudge(Replay(folder), ledger)
    assert not judged.has_grown
    assert judged.asks_more
    assert judged.sentences[0].startswith("A verdict asks more now than when this run was made")
    assert judged.lapsed
    assert f'{judged.lapsed[0]}: its "proven" has lapsed; it is not proven now that more is asked.' in judged.sentences


def test_a_run_that_was_not_asked_what_is_left_by_luck_says_that_more_is_asked(copied):
    stored, ledger = copied
    judged = rejudge(Replay(stored.folder), ledger)
    assert not judged.asks_more
    name, one = next(iter(judged.now.profiles.items()))
    asked = one.model_copy(update={"p_late": 0.4, "verdict": "not proven"})
    now = judged.now.model_copy(update={"profiles": dict(judged.now.profiles) | {name: asked}})
    then = judged.then.model_copy(
        update={"profiles": dict(judged.then.profiles) | {name: one.model_copy(update={"verdict": "proven"})}}
    )
    found = replace(judged, then=then, now=now)
    assert found.asks_more
    assert f'{name}: its "proven" has lapsed; it is not proven now that more is asked.' in found.sentences
    grown = replace(found, now=now.model_copy(update={"ledger_head": "another"}))
    assert not grown.asks_more


def test_a_trial_without_a_delayed_record_is_judged_with_the_alpha_and_not_proven(copied):
    stored, ledger = copied
    for digest in stored.manifest.trials.values():
        file = ledger.path.parent / "trials" / f"{digest}.safetensors"
        file.write_bytes(replace(ledger.load_trial(digest), delayed=None).to_bytes())
    now = rejudge(stored, ledger).now.profiles
    assert all(one.verdict != "proven" for one in now.values())
    assert any(one.p_alpha is not None for one in now.values())
