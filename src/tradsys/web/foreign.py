"""Files that something else than this release wrote: whatever reading them trips over is a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from polars.exceptions import PanicException, PolarsError

from tradsys.core.errors import DataError

_TRIPPED: Final = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    PolarsError,
    PanicException,
)


@contextmanager
def told(what: str, remedy: str) -> Iterator[None]:
    """A DataError that names `what` and says what to do, where its values are not what a page of ours expects."""
    try:
        yield
    except _TRIPPED as error:
        kind = type(error).__name__
        raise DataError(f"{what} is not what this release writes ({kind}: {str(error)[:200]}); {remedy}") from error
