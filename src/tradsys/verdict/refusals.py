"""Numbers from which no statistic is made: NaN compares as false, and so would come out as significant."""

import numpy as np
import numpy.typing as npt

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import ConfigError, DataError


def finite(values: npt.ArrayLike, what: str) -> FloatArray:
    """The values as floats, any shape, or a DataError that names the first place without a finite number."""
    floats = _floats(values, what)
    if not np.isfinite(floats).all():
        _refuse(~np.isfinite(floats), floats, f"{what} must be finite")
    return floats


def probabilities(values: npt.ArrayLike, what: str) -> FloatArray:
    """The values as floats between 0 and 1, any shape, or a DataError that names the first other one."""
    floats = _floats(values, what)
    possible = (floats >= 0) & (floats <= 1)
    if not possible.all():
        _refuse(~possible, floats, f"{what} must lie between 0 and 1")
    return floats


def same_shape(first: FloatArray, second: FloatArray, what: str) -> None:
    """A DataError for two arrays that would be spread over each other instead of compared row by row."""
    if first.shape != second.shape:
        raise DataError(f"{what} must have one shape, were {first.shape} and {second.shape}")


def finite_numbers(**numbers: float) -> None:
    """A ConfigError for the first argument that is no finite number."""
    for name, number in numbers.items():
        if not np.isfinite(number):
            raise ConfigError(f"{name} must be a finite number, was {number}; a statistic of it would mean nothing")


def at_least(least: float, **numbers: float) -> None:
    """A ConfigError for the first argument that is NaN, infinite or below `least`."""
    finite_numbers(**numbers)
    for name, number in numbers.items():
        if number < least:
            raise ConfigError(f"{name} must be at least {least:g}, was {number:g}")


def _floats(values: npt.ArrayLike, what: str) -> FloatArray:
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{what} must be numbers, found others ({error})") from None


def _refuse(wrong: npt.NDArray[np.bool_], values: FloatArray, wanted: str) -> None:
    place = np.argwhere(np.atleast_1d(wrong))[0].tolist()
    found = np.atleast_1d(values)[tuple(place)]
    raise DataError(
        f"{wanted}, found {found} at {place[0] if len(place) == 1 else tuple(place)} and "
        f"{np.count_nonzero(wrong)} such in all; leave out what is not known"
    )
