"""What a bot loads: hashed files."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.bundle.bundle import read_bundle, write_bundle

__all__ = ["read_bundle", "write_bundle"]

__getattr__, __dir__ = attach(__name__, {"read_bundle": "bundle", "write_bundle": "bundle"})
