"""Purged folds over label intervals: k-fold, combinatorial, walk-forward, with one purge and one embargo for all."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.splits.combinatorial import CombinatorialPurgedCV
    from tradsys.splits.kfold import PurgedKFold
    from tradsys.splits.walk_forward import WalkForward

__all__ = ["CombinatorialPurgedCV", "PurgedKFold", "WalkForward"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "CombinatorialPurgedCV": "combinatorial",
        "PurgedKFold": "kfold",
        "WalkForward": "walk_forward",
    },
)
