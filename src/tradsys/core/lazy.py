"""Packages that list what others may use, and import it only when it is asked for (PEP 562)."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def attach(package: str, exports: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package whose names live in the given submodules.

    >>> __getattr__, __dir__ = attach("tradsys.labels", {"triple_barrier": "barriers"})
    >>> __dir__()
    ['triple_barrier']
    """

    def __getattr__(name: str) -> Any:
        if name not in exports:
            raise AttributeError(
                f"module {package!r} has no attribute {name!r}; it offers {', '.join(sorted(exports))}"
            )
        return getattr(import_module(f"{package}.{exports[name]}"), name)

    def __dir__() -> list[str]:
        return sorted(exports)

    return __getattr__, __dir__
