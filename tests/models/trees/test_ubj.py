import numpy as np
import pytest
import xgboost

from tradsys.core.errors import BundleError
from tradsys.models.trees.boosted import FittedBoosted, booster_from, ubj
from tradsys.models.trees.ubj import check_ubj


@pytest.fixture(scope="module")
def trees() -> bytes:
    X = np.random.default_rng(0).random((80, 3))
    rows = xgboost.DMatrix(X, (X[:, 0] > 0.5).astype(float))
    return ubj(xgboost.train({"objective": "binary:logistic", "max_depth": 2, "verbosity": 0}, rows, 3))


def test_what_xgboost_writes_is_whole(trees: bytes) -> None:
    check_ubj(trees, "it")
    X = np.random.default_rng(1).random((5, 3))
    assert ubj(booster_from(trees)) == trees
    assert np.isfinite(booster_from(trees).inplace_predict(X)).all()


def test_no_beginning_of_it_is_whole(trees: bytes) -> None:
    for n in range(0, len(trees), 7):
        with pytest.raises(BundleError, match=r"no trees of XGBoost \("):
            check_ubj(trees[:n], "it")


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
    ],
)
def test_other_bytes_never_reach_xgboost_or_are_refused_by_it(content: bytes) -> None:
    with pytest.raises(BundleError, match="no trees of XGBoost"):
        booster_from(content)


def test_bytes_behind_the_end_are_refused(trees: bytes) -> None:
    with pytest.raises(BundleError, match="1 bytes follow its end"):
        booster_from(trees + b"x")


@pytest.mark.parametrize(
    "value",
    [b"Z", b"T", b"i\x05", b"Si\x02ab", b"[]", b"[i\x01U\x02]", b"[$i#i\x02\x01\x02", b"[#i\x01T", b"{#i\x01i\x01bT"],
)
def test_each_kind_of_value_is_walked_to_its_end(value: bytes) -> None:
    check_ubj(b"{i\x01a" + value + b"}", "it")


def test_a_boosted_model_names_its_broken_file(trees: bytes) -> None:
    with pytest.raises(BundleError, match="no trees of XGBoost"):
        FittedBoosted.from_files({"boosted.json": b'{"n_features": 3}', "long.ubj": trees, "short.ubj": b""})
