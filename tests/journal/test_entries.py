import pytest

from tradsys.journal import entries
from tradsys.journal.entries import (
    COUNTED,
    Choice,
    Content,
    Data,
    LockboxOpening,
    ScoredForecaster,
    Training,
    Trial,
    TuningTrial,
)
from tradsys.journal.ledger import Ledger

DATA = Data("BTC 1h", ("m1", "m2"), "f" * 64)
CHOICE = Choice(data=DATA, run="r", what="threshold", by_fold=[0.61, 0.62], among=["SNIPER"])
TUNED = TuningTrial(data=DATA, study="s", number=3, seed=0, code="c", settings={"x": 1}, scores={"gain": None})
TRAINED = Training(data=DATA, experiment="e", agent="resnet", seed=0, code="c", gain=1.0, low=None, high=None, n=9)
SCORED = ScoredForecaster(data=DATA, experiment="e", agent="bce", seed=0)
OPENING = LockboxOpening(data=DATA, experiment="e", profile="EDGE", seed=0, code="c")


def trial(study=""):
    named = {"run": "r", "experiment": "e", "profile": "EDGE", "profile_digest": "d", "code": "c"}
    return Trial(data=DATA, seed=0, sources=("x",), study=study, **named)


def kinds():
    found = [one for one in vars(entries).values() if isinstance(one, type) and issubclass(one, Content)]
    return [one for one in found if one is not Content]


def test_every_kind_has_a_name_of_its_own_and_knows_its_data():
    names = [one.kind for one in kinds()]
    assert len(names) == len(set(names)) == 15
    assert set(names) >= COUNTED


def test_content_holds_the_kind_the_data_and_the_fields_side_by_side():
    assert CHOICE.content() == {
        "kind": "choice",
        "market": "BTC 1h",
        "blocks": ("m1", "m2"),
        "fingerprint": "f" * 64,
        "run": "r",
        "what": "threshold",
        "by_fold": [0.61, 0.62],
        "among": ["SNIPER"],
    }


@pytest.mark.parametrize(
    ("entry", "counts"),
    [(trial(), 1), (trial(study="a study"), 1), (TUNED, 0), (TRAINED, 1), (SCORED, 1), (CHOICE, 0), (OPENING, 0)],
    ids=["trial", "tuned on outer folds", "tuned inside", "trained", "scored", "choice", "lock-box"],
)
def test_what_was_simulated_or_shown_of_outer_folds_is_a_trial_and_choices_inside_are_not(entry, counts, tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    empty = ledger.head_for(DATA.blocks)
    ledger.append(entry.content())
    assert ledger.n_trials_on(["m2"]) == counts
    assert (ledger.head_for(DATA.blocks) != empty) == bool(counts)
    assert len(ledger.entries_on(["m1"])) == 1
