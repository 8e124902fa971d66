"""Purged folds over label intervals: k-fold, combinatorial, walk-forward, with one purge and one embargo for all."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.splits.kfold import CombinatorialPurgedCV as CombinatorialPurgedCV
    from tradsys.splits.kfold import PurgedKFold as PurgedKFold
    from tradsys.splits.walk_forward import WalkForward as WalkForward

__getattr__, __dir__, __all__ = attach(__name__, __file__)
