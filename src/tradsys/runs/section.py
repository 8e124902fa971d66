"""What every part of a run's JSON shares: typed, frozen, and refused in a sentence where it does not fit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from tradsys.core.errors import DataError
from tradsys.core.json_text import read_json

type Number = int | float | None
"""None where it is not defined; what was written as a whole number stays one."""


class RunSection(BaseModel):
    """A JSON object with the fields that its class names; a field without a default is in every run."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    @classmethod
    def read(cls, path: Path) -> Self:
        """The object in a file, or a DataError that names the file and what is wrong with it."""
        return cls.parse(json_object(path), str(path))

    @classmethod
    def parse(cls, content: Mapping[str, Any], source: str, *, is_whole: bool = False) -> Self:
        """The object that `content` describes, and nothing else where `is_whole`; `source` is how an error calls it."""
        try:
            return cls.model_validate(content, extra="forbid" if is_whole else None)
        except ValidationError as error:
            if is_whole:
                raise DataError(f"{source} would not be as the schema says: {faults(error)}") from error
            raise DataError(
                f"{source} is not what this version reads: {faults(error)}; another program or an earlier version "
                "wrote it: make the run again"
            ) from None

    def to_json(self) -> dict[str, Any]:
        """The fields that were read, as plain JSON values."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


def json_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file of a run's folder."""
    try:
        content = read_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(
            f"{path.name} is missing in {path.parent}, which is not the folder of a finished run; `tradsys run` makes "
            "one, see --out"
        ) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); make the run again") from None
    except ValueError as error:
        raise DataError(f"{path} is not JSON ({error}); make the run again") from error
    if not isinstance(content, dict):
        raise DataError(f"{path} must hold an object, found {type(content).__name__}; make the run again")
    return content


def faults(error: ValidationError, most: int = 3) -> str:
    """The first faults that pydantic found, each with its place."""
    found = [f"{'.'.join(map(str, one['loc']))}: {one['msg'].lower()}" for one in error.errors()]
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return "; ".join(found[:most]) + more


ALWAYS_MEASURED = ("profit_total", "sharpe", "winrate", "max_drawdown_account", "total_trades")
"""Metrics that every profile has: those that tables and cards name."""


class Band(RunSection):
    """A value with its 95% interval; the ends are None where there is too little history for one."""

    value: Number = None
    low: Number = None
    high: Number = None


class Measurement(Band):
    """A value with its interval and the observations behind it."""

    n: int


class MeasuredGain(Band):
    """Mean of a paired difference in millinats, with its interval from blocks that no label spans."""

    n: int
    n_blocks: int
    block_bars: int
    smallest_visible: Number


def _has_all(metrics: Mapping[str, Measurement]) -> Mapping[str, Measurement]:
    if missing := [name for name in ALWAYS_MEASURED if name not in metrics]:
        raise ValueError(f"{', '.join(missing)} missing")
    return metrics


type Measurements = Annotated[Mapping[str, Measurement], AfterValidator(_has_all)]
"""A profile's metrics by freqtrade's names."""
