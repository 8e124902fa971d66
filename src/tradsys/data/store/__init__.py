"""Market data on disk or in object storage: named series, whole partitions, a manifest for each."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.data.store.series import SeriesId as SeriesId
    from tradsys.data.store.store import SeriesStore as SeriesStore

__getattr__, __dir__, __all__ = attach(__name__, __file__)
