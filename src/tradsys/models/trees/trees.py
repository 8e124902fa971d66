"""Boosted trees that XGBoost has fitted, evaluated here: the same log-odds to the last bit, without its libraries.

Importing XGBoost takes a bot a second and a hundred megabytes, of which scikit-learn is the larger part, and one row
takes it longer than all of the rest of a decision.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tradsys.core.arrays import BoolArray, Float32Array, FloatArray
from tradsys.core.errors import BundleError, ConfigError
from tradsys.core.kernels import njit
from tradsys.models.trees.ubj import read_ubj

if TYPE_CHECKING:
    import numpy.typing as npt
    import xgboost

type Nodes = npt.NDArray[np.int32]
type Steps = npt.NDArray[np.uint32]
"""Positions that are never negative, which would take a check at every step."""


@dataclass(frozen=True, slots=True)
class BoostedTrees:
    """Trees of one booster for one binary target, read from its UBJ; all their nodes stand in one row of arrays.

    `root` (n_trees,) are the trees' first nodes; `left` (n_nodes,) is -1 in leaves, whose `split` is their value. A row
    goes left where its `feature` is below the `split`, and where it is missing as `missing_left` says.
    """

    content: bytes = field(repr=False)
    n_features: int = field(compare=False)
    base: np.float32 = field(compare=False)
    root: "Nodes" = field(compare=False, repr=False)
    left: "Nodes" = field(compare=False, repr=False)
    right: "Nodes" = field(compare=False, repr=False)
    feature: "Nodes" = field(compare=False, repr=False)
    split: Float32Array = field(compare=False, repr=False)
    missing_left: BoolArray = field(compare=False, repr=False)

    @classmethod
    def of(cls, booster: "xgboost.Booster") -> Self:
        """Those of a booster that was fitted here."""
        # the same values as in its UBJ, to the last bit, read by the standard library in a fifth of the time
        return cls._read(bytes(booster.save_raw("ubj")), json.loads(booster.save_raw("json")))

    @classmethod
    def from_ubj(cls, content: bytes) -> Self:
        """Trees as XGBoost writes them; a BundleError where the bytes are none, or trees of another kind."""
        return cls._read(content, read_ubj(content, _WHAT))

    @classmethod
    def _read(cls, content: bytes, values: Any) -> Self:
        try:
            learner = values["learner"]
            _check_kind(learner)
            model = learner["learner_model_param"]
            trees = learner["gradient_booster"]["model"]["trees"]
            return cls(content, int(model["num_feature"]), _base(model["base_score"]), *_joined(trees, model))
        except _FAULTS as error:
            said = f"lacks {error}" if isinstance(error, KeyError) else str(error)
            raise BundleError(f"{_WHAT} holds no trees of XGBoost ({said}); export the model again") from None

    def margin(self, X: FloatArray) -> FloatArray:
        """Log-odds of rows, (n, n_features) -> (n,), computed in single precision as XGBoost does; NaN is missing."""
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise ConfigError(f"these trees read {self.n_features} columns, found an array of shape {X.shape}")
        with np.errstate(over="ignore"):  # what single precision cannot hold is infinite to XGBoost too
            rows = np.ascontiguousarray(X, dtype=np.float32)
        nodes = (self.root, self.left, self.right, self.feature, self.split, self.missing_left)
        return _margins(rows, self.base, *nodes).astype(np.float64)

    def booster(self) -> "xgboost.Booster":
        """The trees as XGBoost's own, for what it can say about them beside their log-odds."""
        import xgboost

        made = xgboost.Booster()
        made.load_model(bytearray(self.content))
        made.set_param({"nthread": 1})
        return made


_BLOCK = 64
"""Rows that all trees see before the next ones."""

_WHAT = "a booster's file"
_FAULTS = (LookupError, TypeError, ValueError, AttributeError, OverflowError)
_ARRAYS = ("left_children", "right_children", "split_indices", "split_conditions", "default_left")


def _check_kind(learner: Mapping[str, Any]) -> None:
    """Raise a ValueError for boosters that sum their trees otherwise: of several targets, or with weights of trees."""
    booster, parameters = learner["gradient_booster"], learner["learner_model_param"]
    model = booster["model"]
    found = {
        "objective": learner["objective"]["name"],
        "booster": booster["name"],
        "classes": int(parameters.get("num_class", 0)),
        "targets": int(parameters.get("num_target", 1)),
        "parallel trees": int(model["gbtree_model_param"]["num_parallel_tree"]),
        "weights": len(model.get("weight_drop", [])),
    }
    wanted = {
        "objective": "binary:logistic",
        "booster": "gbtree",
        "classes": 0,
        "targets": 1,
        "parallel trees": 1,
        "weights": 0,
    }
    if found != wanted:
        raise ValueError(f"wanted {wanted}, found {found}")


def _base(text: str) -> np.float32:
    """The log-odds of the base score, as XGBoost computes them in single precision."""
    score = np.float32(float(text.strip("[]")))
    if not 0 < score < 1:
        raise ValueError(f"its base score is a probability, found {text}")
    odds = np.float32(1.0) / score - np.float32(1.0)
    return np.float32(-np.log(np.float64(odds)))


def _joined(trees: Sequence[Mapping[str, Any]], model: Mapping[str, Any]) -> tuple[Any, ...]:
    """The arrays of all trees, one after the other, children counted from the first node of all."""
    if not trees:
        raise ValueError("it has no trees")
    each = [_arrays(tree, int(model["num_feature"])) for tree in trees]
    root = np.cumsum([0, *(len(one[0]) for one in each[:-1])]).astype(np.int32)
    children = [
        np.concatenate([np.where(one[side] < 0, -1, one[side] + at) for one, at in zip(each, root, strict=True)])
        for side in (0, 1)
    ]
    rest = [np.concatenate([one[k] for one in each]) for k in (2, 3, 4)]
    left, right, feature = (np.ascontiguousarray(values, np.int32) for values in (*children, rest[0]))
    return root, left, right, feature, rest[1].astype(np.float32), rest[2].astype(bool)


def _arrays(tree: Mapping[str, Any], n_features: int) -> list["npt.NDArray[Any]"]:
    """One tree's arrays, checked: a row that begins at the root comes to a leaf."""
    found = [np.asarray(tree[name]) for name in _ARRAYS]
    left, right, feature, split, _ = found
    n = len(left)
    if not n or any(one.shape != (n,) for one in found):
        raise ValueError(f"a tree's arrays are of one length, found {[one.shape for one in found]}")
    if np.any(np.asarray(tree["split_type"])) or int(tree["tree_param"].get("size_leaf_vector", 1)) > 1:
        raise ValueError("a tree splits by category or has several values a leaf")
    inner = left >= 0
    children = np.concatenate([left[inner], right[inner]]).astype(np.int64)
    if np.any((right >= 0) != inner) or np.any(children >= n) or np.any(children < 0):
        raise ValueError("a tree's node has one child, or one that is not there")
    if np.any(np.bincount(children, minlength=n) > 1) or (len(children) and np.any(children == 0)):
        raise ValueError("a tree's branches meet again")
    if np.any(feature[inner] < 0) or np.any(feature[inner] >= n_features) or not np.isfinite(split).all():
        raise ValueError("a tree splits by a column that is not there, or at no number")
    return found


@njit(cache=True)
def _margins(
    X: Float32Array,
    base: np.float32,
    root: "Nodes",
    left: "Nodes",
    right: "Nodes",
    feature: "Nodes",
    split: Float32Array,
    missing_left: BoolArray,
) -> Float32Array:
    child, read, depth = _steps(root, left, right, feature)
    out = np.full(len(X), base, np.float32)
    at = np.empty(_BLOCK, np.uint32)
    # tree after tree, and level after level, over rows that stay in the cache: no branch hangs on a row, which
    # processors mispredict, and rows do not wait for each other
    for first in range(0, len(X), _BLOCK):
        n = min(_BLOCK, len(X) - first)
        for t in range(len(root)):
            for i in range(n):
                at[i] = root[t]
            for _ in range(depth[t]):
                for i in range(n):
                    node = at[i]
                    value = X[first + i, read[node]]
                    goes_left = np.uint32((value < split[node]) | ((value != value) & missing_left[node]))
                    at[i] = child[np.uint32(2) * node + np.uint32(1) - goes_left]
            for i in range(n):
                out[first + i] += split[at[i]]  # in the order of the trees, each sum rounded to single precision
    return out


@njit(cache=True)
def _steps(root: "Nodes", left: "Nodes", right: "Nodes", feature: "Nodes") -> tuple["Steps", "Steps", "Nodes"]:
    """Both children of each node, side by side, the column it reads, and the longest way of each tree.

    A leaf is its own child, so that all rows take as many steps.
    """
    child, read = np.empty(2 * len(left), np.uint32), np.zeros(len(left), np.uint32)
    for node in range(len(left)):
        is_inner = left[node] >= 0
        child[2 * node] = left[node] if is_inner else node
        child[2 * node + 1] = right[node] if is_inner else node
        if is_inner:
            read[node] = feature[node]
    depth = np.zeros(len(root), np.int32)
    open_nodes, level = np.empty(len(left), np.int32), np.empty(len(left), np.int32)
    for t in range(len(root)):
        open_nodes[0], level[0], n_open = root[t], 0, 1
        while n_open > 0:
            n_open -= 1
            node, below = open_nodes[n_open], level[n_open]
            depth[t] = max(depth[t], below)
            if left[node] >= 0:
                for k in range(2):
                    open_nodes[n_open + k], level[n_open + k] = child[2 * node + k], below + 1
                n_open += 2
    return child, read, depth
