"""Trees evaluated here say what XGBoost says, to the last bit, and trees that cannot be are refused."""

import json
import pickle
from typing import Any

import numpy as np
import pytest
import xgboost

from tradsys.core.errors import BundleError, ConfigError
from tradsys.models.trees.trees import BoostedTrees


def fitted(seed: int) -> tuple[xgboost.Booster, np.ndarray]:
    """A booster of random size on random data with holes, and rows to ask it about."""
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(40, 400)), int(rng.integers(1, 9))
    X = rng.normal(size=(n, k)) * 10.0 ** rng.uniform(-4, 4, size=k)
    X[:, 0] = np.round(X[:, 0], 1)  # values that lie on splits
    X[rng.random(X.shape) < rng.choice([0.0, 0.3])] = np.nan
    parameters = {
        "objective": "binary:logistic",
        "base_score": float(rng.uniform(0.001, 0.999)),
        "max_depth": int(rng.integers(1, 7)),
        "tree_method": str(rng.choice(["hist", "exact", "approx"])),
        "gamma": float(rng.choice([0.0, 0.5])),
        "subsample": 0.7,
        "seed": seed,
        "nthread": 1,
        "verbosity": 0,
    }
    rows = xgboost.DMatrix(X, (rng.random(n) < 0.4).astype(float), weight=rng.random(n))
    asked = np.concatenate([X, X[rng.permutation(n)] * 1.001, np.full((1, k), np.nan), np.zeros((1, k))])
    return xgboost.train(parameters, rows, int(rng.integers(1, 150))), asked


@pytest.mark.parametrize("seed", range(40))
def test_margins_are_xgboosts_to_the_last_bit(seed: int) -> None:
    booster, X = fitted(seed)
    wanted = booster.inplace_predict(X, predict_type="margin").astype(np.float64)
    trees = BoostedTrees.of(booster)
    assert np.array_equal(trees.margin(X), wanted)
    for again in (BoostedTrees.from_ubj(trees.content), pickle.loads(pickle.dumps(trees))):
        assert again == trees
        assert np.array_equal(again.margin(X), wanted)
        assert np.array_equal(again.margin(X[:3]), wanted[:3])


def test_what_single_precision_cannot_hold_is_infinite_and_columns_are_counted() -> None:
    booster, X = fitted(1)
    trees = BoostedTrees.of(booster)
    huge = np.full((2, X.shape[1]), 1e300) * np.array([[1.0], [-1.0]])
    assert np.array_equal(trees.margin(huge), trees.margin(np.sign(huge) * np.inf))
    with pytest.raises(ConfigError, match=rf"read {X.shape[1]} columns, found an array of shape \(2, 99\)"):
        trees.margin(np.zeros((2, 99)))


def test_xgboost_gets_back_what_it_wrote() -> None:
    booster, _ = fitted(2)
    trees = BoostedTrees.of(booster)
    assert bytes(trees.booster().save_raw("ubj")) == trees.content
    assert trees.booster().get_score(importance_type="total_gain") == booster.get_score(importance_type="total_gain")


def trained(**parameters: Any) -> xgboost.Booster:
    rng = np.random.default_rng(0)
    X = rng.random((60, 2))
    rows = xgboost.DMatrix(X, (X[:, 0] > 0.5).astype(float))
    return xgboost.train({"objective": "binary:logistic", "max_depth": 2, "verbosity": 0} | parameters, rows, 2)


@pytest.mark.parametrize(
    "parameters",
    [
        {"objective": "reg:squarederror"},
        {"objective": "multi:softprob", "num_class": 2},
        {"rate_drop": 0.5},
        {"booster": "gblinear"},
        {"num_parallel_tree": 2},
    ],
)
def test_boosters_that_sum_their_trees_otherwise_are_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(BundleError, match="no trees of XGBoost"):
        BoostedTrees.of(trained(**parameters))


def spoilt(change: Any) -> bytes:
    """The trees with one value changed, as XGBoost's JSON would be after somebody edited it."""
    model = json.loads(trained().save_raw("json"))
    change(model["learner"]["gradient_booster"]["model"]["trees"][0], model["learner"])
    return as_ubj(model)


def as_ubj(value: Any) -> bytes:
    """A plain writer: no item has a kind, every length is an L."""
    if isinstance(value, str):
        return b"S" + _length(value.encode())
    if isinstance(value, dict):
        return b"{" + b"".join(_length(name.encode()) + as_ubj(one) for name, one in value.items()) + b"}"
    if isinstance(value, list):
        return b"[" + b"".join(map(as_ubj, value)) + b"]"
    kind = "D" if isinstance(value, float) else "L"
    return kind.encode() + np.array(value, {"D": ">f8", "L": ">i8"}[kind]).tobytes()


def _length(text: bytes) -> bytes:
    return b"L" + np.array(len(text), ">i8").tobytes() + text


def test_the_plain_writer_writes_trees_that_are_read() -> None:
    X = np.random.default_rng(0).random((9, 2))
    assert np.array_equal(
        BoostedTrees.from_ubj(spoilt(lambda *_: None)).margin(X), BoostedTrees.of(trained()).margin(X)
    )


def test_trees_in_which_a_row_would_never_end_are_refused() -> None:
    def put(name: str, value: Any) -> Any:
        return lambda tree, _: tree[name].__setitem__(0, value)

    changes = {
        "branches meet again": put("left_children", 2),
        "branches meet again ": put("left_children", 0),
        "one child, or one that is not there": put("left_children", 99),
        "one child, or one that is not there ": put("right_children", -1),
        "a column that is not there": put("split_indices", 2),
        "at no number": put("split_conditions", float("nan")),
        "splits by category": put("split_type", 1),
        "of one length": lambda tree, _: tree["default_left"].pop(),
        "lacks 'split_indices'": lambda tree, _: tree.pop("split_indices"),
        "base score is a probability": lambda _, learner: learner["learner_model_param"].update(base_score="1.5"),
        "it has no trees": lambda _, learner: learner["gradient_booster"]["model"].update(trees=[]),
    }
    for told, change in changes.items():
        with pytest.raises(BundleError, match=told.strip()):
            BoostedTrees.from_ubj(spoilt(change))
