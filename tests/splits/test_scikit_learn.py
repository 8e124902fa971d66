"""The splitters wherever scikit-learn takes `cv=`, by its own rules for them; and who is no estimator, and says so."""

import ast
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  # what scikit-learn asks for
from sklearn.feature_selection import RFECV
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    check_cv,
    cross_val_predict,
    cross_validate,
    learning_curve,
    permutation_test_score,
)
from sklearn.utils.estimator_checks import check_estimator

import tradsys
from tradsys.models.linear.logistic import RidgeLogistic
from tradsys.splits import CombinatorialPurgedCV, PurgedKFold, WalkForward

HOUR_MS = 3_600_000
RNG = np.random.default_rng(0)
START = np.arange(240) * HOUR_MS
INTERVALS = (START, START + 5 * HOUR_MS)
X, Y = RNG.normal(size=(240, 3)), RNG.integers(0, 2, 240)
SPLITTERS = [PurgedKFold(4), CombinatorialPurgedCV(4, 2), WalkForward(3)]
every_splitter = pytest.mark.parametrize(
    "cv", [replace(cv, intervals=INTERVALS) for cv in SPLITTERS], ids=lambda cv: type(cv).__name__
)
GRID = {"C": [0.1, 1.0]}


@every_splitter
def test_it_is_taken_as_it_is_and_splits_the_same_way_every_time(cv):
    """What scikit-learn's own tests ask of each of its splitters."""
    assert check_cv(cv, Y, classifier=True) is cv
    first, again = list(cv.split(X, Y)), list(cv.split(X, Y, groups=None))
    assert len(first) == cv.get_n_splits(X, Y, None)
    for (train, test), (same_train, same_test) in zip(first, again, strict=True):
        assert np.array_equal(train, same_train) and np.array_equal(test, same_test)
        assert train.dtype.kind == test.dtype.kind == "i" and not set(train) & set(test)


@every_splitter
def test_it_can_be_cloned_pickled_and_sent_to_workers(cv):
    for copy in (clone(cv, safe=False), pickle.loads(pickle.dumps(cv))):
        assert [test.tolist() for _, test in copy.split(X)] == [test.tolist() for _, test in cv.split(X)]
    assert len(cross_validate(LogisticRegression(), X, Y, cv=cv, n_jobs=1)["test_score"]) == cv.get_n_splits()


@every_splitter
@pytest.mark.parametrize("search", [GridSearchCV, HalvingGridSearchCV])
def test_searches_take_it_and_survive_a_clone(cv, search):
    kind = search(LogisticRegression(), GRID, cv=cv)
    if search is HalvingGridSearchCV:  # it subsamples rows, which intervals that are bound to a splitter cannot follow
        kind = kind.set_params(
            resource="C", param_grid={"fit_intercept": [True, False]}, max_resources=4, min_resources=1
        )
    assert clone(kind).fit(X, Y).best_params_


@every_splitter
def test_whatever_else_takes_cv_takes_it(cv):
    assert RFECV(LogisticRegression(), cv=cv).fit(X, Y).n_features_ >= 1
    assert CalibratedClassifierCV(LogisticRegression(), cv=cv).fit(X, Y).predict_proba(X).shape == (240, 2)
    assert learning_curve(LogisticRegression(), X, Y, cv=cv, train_sizes=[0.5, 1.0])[2].shape == (2, cv.get_n_splits())
    assert 0 < permutation_test_score(LogisticRegression(), X, Y, cv=cv, n_permutations=3)[2] <= 1


@every_splitter
def test_intervals_are_routed_through_a_search_as_metadata(cv):
    with sklearn.config_context(enable_metadata_routing=True):
        unbound = GridSearchCV(LogisticRegression(), GRID, cv=replace(cv, intervals=None)).fit(
            X, Y, intervals=INTERVALS
        )
    bound = GridSearchCV(LogisticRegression(), GRID, cv=cv).fit(X, Y)
    assert unbound.cv_results_["mean_test_score"].tolist() == bound.cv_results_["mean_test_score"].tolist()


def test_only_a_partition_gives_a_forecast_a_row():
    assert len(cross_val_predict(LogisticRegression(), X, Y, cv=replace(PurgedKFold(4), intervals=INTERVALS))) == 240
    for cv in (WalkForward(3), CombinatorialPurgedCV(4, 2)):
        with pytest.raises(ValueError, match="only works for partitions"):
            cross_val_predict(LogisticRegression(), X, Y, cv=replace(cv, intervals=INTERVALS))


def test_a_purged_fold_trains_on_fewer_rows_than_scikit_learns():
    """Else the two would be the same splitter under another name."""
    ours = [len(train) for train, _ in PurgedKFold(4, intervals=INTERVALS).split(X)]
    assert all(n < 180 for n in ours)


def test_agents_are_no_estimators_and_scikit_learn_says_so():
    with pytest.raises(TypeError, match="get_params"):
        clone(RidgeLogistic())
    with pytest.raises(AssertionError, match="does not implement a 'get_params'"):
        check_estimator(RidgeLogistic())


def test_nothing_in_the_package_claims_to_be_an_estimator():
    """A class with `get_params`, or of scikit-learn's base, would have to pass `check_estimator`: test it here then."""
    claiming = []
    for path in Path(tradsys.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                names = {one.name for one in node.body if isinstance(one, ast.FunctionDef)}
                bases = {ast.unparse(one).rpartition(".")[2] for one in node.bases}
                claiming += [node.name] if "get_params" in names or bases & {"BaseEstimator", "ClassifierMixin"} else []
    assert claiming == []
