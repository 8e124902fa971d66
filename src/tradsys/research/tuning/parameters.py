"""One dimension of a search space: a numeric range or a categorical, over a dotted key of the settings."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from tradsys.core.errors import ConfigError

if TYPE_CHECKING:
    from optuna import Trial

type Value = str | float | int | None
"""What a trial sets a key to; text is read as on the command line, so that "rsi,macd" is a list."""

type Settings = Mapping[str, Value]
type Given = tuple[tuple[str, tuple[Value, ...]], ...]
"""Keys and the values of which each must have one, for a parameter to mean anything."""


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, both included; `step` makes them whole numbers in these steps (logarithmic: 1)."""

    key: str
    low: float
    high: float
    is_log: bool = False
    step: int | None = None
    given: Given = ()

    def __post_init__(self) -> None:
        if not self.low <= self.high or (self.is_log and self.low <= 0):
            raise ConfigError(
                f"the range of {self.key} must rise{' and be positive' if self.is_log else ''}, was "
                f"{self.low:g} to {self.high:g}"
            )

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers are meant."""
        return self.step is not None

    def holds(self, value: Any) -> bool:
        """Whether a trial could draw this value."""
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not self.low <= value <= self.high:
            return False
        return self.step is None or (value - self.low) % self.step == 0

    def suggest(self, trial: "Trial") -> Value:
        """The trial's value."""
        if self.step is not None:
            return trial.suggest_int(self.key, int(self.low), int(self.high), log=self.is_log, step=self.step)
        return trial.suggest_float(self.key, self.low, self.high, log=self.is_log)

    def within(self, text: str) -> Self:
        """The same key between the bounds that somebody typed, `LOW:HIGH`."""
        low, colon, high = text.partition(":")
        try:
            if not colon:
                raise ValueError
            bounds = float(low), float(high)
        except ValueError:
            raise ConfigError(
                f"--over {self.key} takes LOW:HIGH, found {text!r}; for example --over "
                f"{self.key}={self.low:g}:{self.high:g}"
            ) from None
        if self.is_whole and not all(bound.is_integer() for bound in bounds):
            raise ConfigError(f"--over {self.key} takes whole numbers, found {text!r}")
        return replace(self, low=bounds[0], high=bounds[1], step=None if self.step is None else 1)

    def __str__(self) -> str:
        return f"{self.key} {self.low:g} to {self.high:g}{' (log)' if self.is_log else ''}"


@dataclass(frozen=True, slots=True)
class Categorical:
    """One of several values that have no order."""

    key: str
    options: tuple[Value, ...]
    given: Given = ()

    def __post_init__(self) -> None:
        if not self.options:
            raise ConfigError(f"{self.key} needs something to choose from, found nothing")

    def holds(self, value: Any) -> bool:
        """Whether a trial could draw this value."""
        return value in self.options

    def suggest(self, trial: "Trial") -> Value:
        """The trial's value."""
        return trial.suggest_categorical(self.key, self.options)

    def within(self, text: str) -> Self:
        """The same key with the options that somebody typed, `A,B`, which must be among these."""
        by_name = {str(option): option for option in self.options}
        names = text.split(",")
        for name in names:
            if name not in by_name:
                raise ConfigError(f"--over {self.key} knows {', '.join(by_name)}, found {name!r}")
        return replace(self, options=tuple(by_name[name] for name in names))

    def __str__(self) -> str:
        return f"{self.key} in {{{', '.join(map(str, self.options))}}}"


type Parameter = Range | Categorical


def to_dict(parameter: Parameter) -> dict[str, Any]:
    """As plain JSON values, of which a study's digest is made."""
    return {"kind": "Range" if isinstance(parameter, Range) else "Choice", **asdict(parameter)}


def from_dict(stored: Mapping[str, Any]) -> Parameter:
    """What `to_dict` wrote, also after JSON has made lists of its tuples."""
    stored = dict(stored)
    kind = stored.pop("kind")
    stored["given"] = tuple((key, tuple(options)) for key, options in stored["given"])
    if kind == "Range":
        return Range(**stored)
    return Categorical(**{**stored, "options": tuple(stored["options"])})
