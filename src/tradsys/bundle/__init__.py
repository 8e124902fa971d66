"""What a bot loads: hashed files."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.bundle.bundle import read_bundle as read_bundle
    from tradsys.bundle.bundle import write_bundle as write_bundle

__getattr__, __dir__, __all__ = attach(__name__, __file__)
