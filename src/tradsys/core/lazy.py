"""Packages that list what others may use, and import it only when it is asked for (PEP 562)."""

import ast
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any


def attach(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """The `__getattr__`, `__dir__` and `__all__` of a package whose `__init__` calls `attach(__name__, __file__)`.

    The names are those that the file imports under `if TYPE_CHECKING:`, so that each stands once, for type checkers and
    for the interpreter; nothing is imported until it is asked for.

    >>> import tradsys.labels
    >>> __getattr__, __dir__, __all__ = attach("tradsys.labels", tradsys.labels.__file__)
    >>> "triple_barrier" in __dir__()
    True
    """
    where = {
        alias.asname or alias.name: statement.module or ""
        for block in ast.parse(Path(file).read_text(encoding="utf-8")).body
        if isinstance(block, ast.If)
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    names = sorted(where)

    def __getattr__(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}; it offers {', '.join(names)}")
        return getattr(import_module(where[name]), name)

    def __dir__() -> list[str]:
        return names

    return __getattr__, __dir__, names
