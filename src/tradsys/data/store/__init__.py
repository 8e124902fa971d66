"""Market data on disk or in object storage: named series, whole partitions, a manifest for each."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.data.store.series import SeriesId
    from tradsys.data.store.store import SeriesStore

__all__ = ["SeriesId", "SeriesStore"]

__getattr__, __dir__ = attach(__name__, {"SeriesId": "series", "SeriesStore": "store"})
