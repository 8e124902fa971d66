import json

import numpy as np
import pytest
import xgboost

from tradsys.core.errors import BundleError
from tradsys.models.trees.boosted import FittedBoosted
from tradsys.models.trees.trees import BoostedTrees
from tradsys.models.trees.ubj import read_ubj


@pytest.fixture(scope="module")
def trees() -> bytes:
    X = np.random.default_rng(0).random((80, 3))
    rows = xgboost.DMatrix(X, (X[:, 0] > 0.5).astype(float))
    fitted = xgboost.train({"objective": "binary:logistic", "max_depth": 2, "verbosity": 0}, rows, 3)
    return bytes(fitted.save_raw("ubj"))


def test_what_xgboost_writes_is_what_its_own_json_says(trees: bytes) -> None:
    as_json = json.loads(BoostedTrees.from_ubj(trees).booster().save_raw("json"))
    assert as_plain(read_ubj(trees, "it")) == as_plain(as_json)


def as_plain(value: object) -> object:
    """Numbers of single precision, as JSON writes them shorter."""
    if isinstance(value, dict):
        return {name: as_plain(one) for name, one in value.items()}
    if isinstance(value, list | np.ndarray):
        return [as_plain(one) for one in value]
    return float(np.float32(value)) if isinstance(value, int | float | np.generic) else value


def test_no_beginning_of_it_is_whole(trees: bytes) -> None:
    for n in range(0, len(trees), 7):
        with pytest.raises(BundleError, match=r"no trees of XGBoost \("):
            read_ubj(trees[:n], "it")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"{}",
        b"[]",
        b"hello",
        b'{"a": 1}',
        b"{L" + b"\x7f" + b"\xff" * 7,
        b"{i\xff",
        b"{i\x01aq}",
        b"{i\x01a[$D#[}",
        b"{i\x01a" + b"[" * 10_000,
        b"{i\x01aL\x00}",
        b"{i\x01aTi\x01aT}",
        b"{i\x01a[$T#L\x7f\xff\xff\xff\xff\xff\xff\xff}",
    ],
)
def test_other_bytes_are_no_trees(content: bytes) -> None:
    with pytest.raises(BundleError, match="no trees of XGBoost"):
        BoostedTrees.from_ubj(content)


def test_bytes_behind_the_end_are_refused(trees: bytes) -> None:
    with pytest.raises(BundleError, match="1 bytes follow its end"):
        BoostedTrees.from_ubj(trees + b"x")


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (b"Z", None),
        (b"T", True),
        (b"i\x05", 5),
        (b"I\xff\xfe", -2),
        (b"d\x3f\x80\x00\x00", 1.0),
        (b"Cx", "x"),
        (b"Si\x02ab", "ab"),
        (b"[]", []),
        (b"[i\x01U\x02]", [1, 2]),
        (b"[$i#i\x02\x01\x02", [1, 2]),
        (b"[$I#i\x02\x00\x01\x01\x00", [1, 256]),
        (b"[$T#i\x02", [True, True]),
        (b"[#i\x01T", [True]),
        (b"{#i\x01i\x01bT", {"b": True}),
        (b"{$i#i\x01i\x01b\x07", {"b": 7}),
    ],
)
def test_each_kind_of_value_is_read(value: bytes, read: object) -> None:
    found = read_ubj(b"{i\x01a" + value + b"}", "it")["a"]
    assert (found.tolist() if isinstance(found, np.ndarray) else found) == read


def test_a_boosted_model_names_its_broken_file(trees: bytes) -> None:
    with pytest.raises(BundleError, match="no trees of XGBoost"):
        FittedBoosted.from_files({"boosted.json": b'{"n_features": 3}', "long.ubj": trees, "short.ubj": b""})
