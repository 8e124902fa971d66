"""The search space of a study: what can be tuned and between which bounds, restricted to what was asked for."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Any, Self

from tradsys.core.errors import ConfigError
from tradsys.settings.config import RunConfig

if TYPE_CHECKING:
    from optuna import Trial


type Value = str | float | int | None
"""What a trial sets a key to; text is read as on the command line, so that "rsi,macd" is a list."""

type Settings = Mapping[str, Value]
type Given = tuple[tuple[str, tuple[Value, ...]], ...]
"""Keys and the values of which each must have one, for a parameter to mean anything."""


_LARGEST = 2.0**53
"""Up to here a float holds every whole number."""


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
        if not all(isfinite(bound) and abs(bound) <= _LARGEST for bound in (self.low, self.high)):
            raise ConfigError(
                f"the range of {self.key} lies between finite numbers of at most {_LARGEST:g}, was {self.low:g} to "
                f"{self.high:g}"
            )
        if not self.low <= self.high or (self.is_log and self.low <= 0):
            raise ConfigError(
                f"the range of {self.key} must rise{' and be positive' if self.is_log else ''}, was "
                f"{self.low:g} to {self.high:g}"
            )

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
        if self.step is not None and not all(bound.is_integer() for bound in bounds):
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
        return value in self.options

    def suggest(self, trial: "Trial") -> Value:
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

_KINDS: dict[str, type[Parameter]] = {"Range": Range, "Choice": Categorical}


_AGENT = "agent.name"

_TRANSFORMER: Given = (("agent.name", ("transformer",)),)
_NETWORK: Given = (("agent.name", ("transformer", "resnet")),)
_FOCAL: Given = (*_NETWORK, ("agent.objective", ("focal",)))
_RIDGED: Given = (("agent.name", ("logistic", "symmetric", "volatility", "transformer", "resnet")),)

_FEW = "returns,average_distance,close_location,volatility_ratios,absolute_return,seasonal_volatility"
_MORE = (
    "returns,lagged_returns,rsi,macd,average_distance,close_location,wick,vwap_distance,volume_return,volatility_ratios,"
    "absolute_return,range_zscore,volume_zscore,seasonal_volatility,frac_diff"
)


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """What a study varies, in an order in which every parameter comes after those that it depends on."""

    parameters: tuple[Parameter, ...]

    def __post_init__(self) -> None:
        keys = self.keys
        if len(set(keys)) < len(keys):
            raise ConfigError(f"a key is searched once, found {', '.join(keys)}")

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(one.key for one in self.parameters)

    def __getitem__(self, key: str) -> Parameter:
        return next(one for one in self.parameters if one.key == key)

    def over(self, wanted: Sequence[str]) -> Self:
        """Only the wanted keys, each as it is or with bounds: `KEY`, `KEY=LOW:HIGH` or `KEY=A,B`."""
        chosen: dict[str, Parameter] = {}
        for text in wanted:
            key, equals, bounds = text.partition("=")
            if key not in self.keys:
                near = difflib.get_close_matches(key, self.keys, n=1, cutoff=0.3)
                hint = f"did you mean {near[0]!r}?" if near else ""
                raise ConfigError(f"{key!r} cannot be tuned; {hint} what can: {', '.join(self.keys)}")
            chosen[key] = self[key].within(bounds) if equals else self[key]
        return replace(self, parameters=tuple(chosen[key] for key in self.keys if key in chosen))

    def without(self, fixed: Sequence[str]) -> Self:
        """Everything but the keys that somebody has fixed."""
        return replace(self, parameters=tuple(one for one in self.parameters if one.key not in fixed))

    def reachable(self, base: Settings) -> Self:
        """Without parameters that no trial can meet, because what they depend on is fixed otherwise."""
        kept: list[Parameter] = []
        for one in self.parameters:
            values = {other.key: other.options for other in kept if isinstance(other, Categorical)}
            if all(not set(values.get(key, (base.get(key),))).isdisjoint(options) for key, options in one.given):
                kept.append(one)
        if not kept:
            raise ConfigError(
                f"nothing is left to tune: {', '.join(self.keys) or 'every key'} means nothing with the settings that "
                "are fixed; free one of them, or name others with --over"
            )
        return replace(self, parameters=tuple(kept))

    def applicable(self, settings: dict[str, Value], base: Settings) -> Iterator[Parameter]:
        """The parameters that mean something, one after the other while `settings` is being filled."""
        for one in self.parameters:
            if all(settings.get(key, base.get(key)) in options for key, options in one.given):
                yield one

    def to_dict(self) -> list[dict[str, Any]]:
        """As plain JSON values, of which a study's digest is made."""
        kinds = {kind: name for name, kind in _KINDS.items()}
        return [{"kind": kinds[type(one)], **asdict(one)} for one in self.parameters]

    @classmethod
    def from_dict(cls, stored: Sequence[Mapping[str, Any]]) -> Self:
        """What `to_dict` wrote, also after JSON has made lists of its tuples."""
        made = ({key: _tuples(value) for key, value in one.items()} for one in stored)
        return cls(tuple(_KINDS[one.pop("kind")](**one) for one in made))


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, (list, tuple)) else value


DEFAULT_SPACE = SearchSpace(
    (
        Categorical("agent.name", ("logistic", "symmetric", "xgboost", "volatility", "transformer", "resnet")),
        Range("agent.penalty", 0.03, 10.0, is_log=True, given=_RIDGED),
        Categorical("agent.objective", ("bce", "focal", "supcon"), given=_NETWORK),
        Range("agent.focal_gamma", 0.5, 4.0, given=_FOCAL),
        Categorical("agent.d_model", (32, 64, 128), given=_TRANSFORMER),
        Range("agent.n_layers", 1, 4, step=1, given=_TRANSFORMER),
        Categorical("agent.n_heads", (2, 4), given=_TRANSFORMER),
        Range("agent.window", 12, 120, step=12, given=_NETWORK),
        Range("agent.dropout", 0.0, 0.4, given=_NETWORK),
        Range("agent.learning_rate", 5e-5, 5e-3, is_log=True, given=_NETWORK),
        Range("agent.max_steps", 100, 800, step=100, given=_NETWORK),
        Categorical("features.names", (None, _FEW, _MORE)),
        Range("labels.upper", 0.75, 4.0, is_log=True),
        Range("labels.lower", 0.75, 4.0, is_log=True),
        Range("labels.horizon", 4, 96, is_log=True, step=1),
        Categorical("labels.weights", ("uniqueness", "return")),
        Range("labels.time_decay", 0.25, 1.0),
    )
)
"""Settings that decide what is forecast and how. Costs, sizes, folds and the verdict's rules are no choices."""


def restricted(space: SearchSpace, over: Sequence[str], fixed: Sequence[str]) -> SearchSpace:
    """What somebody asked for: only `over` where it names anything, and nothing that is `fixed`."""
    contradicted = {text.partition("=")[0] for text in over} & set(fixed)
    if contradicted:
        raise ConfigError(f"{', '.join(sorted(contradicted))} is fixed and tuned at once; leave it out of one of them")
    return (space.over(over) if over else space).without(fixed)


def requested_space(base: RunConfig, over: Sequence[str], fixed: Sequence[str]) -> tuple[RunConfig, SearchSpace]:
    """What a study begins with and varies (`restricted`); agent "all" is a choice among them, the first to begin with.

    The ensemble is refused: it learns from forecasts out of fold, which every fold of a study would have to make within
    itself.
    """
    is_searched = any(text.partition("=")[0] == _AGENT for text in over)
    if base.agent.name == "ensemble" and not is_searched:
        raise ConfigError(
            "the ensemble pools what its members say out of fold, which no single fold of a study has, found --agent "
            "ensemble; tune a member, or --agent all to choose among agents, and run golden.toml with --agent ensemble"
        )
    if base.agent.name != "all":
        return base, restricted(DEFAULT_SPACE, over, fixed)
    over = over if is_searched or not over else (_AGENT, *over)
    space = restricted(DEFAULT_SPACE, over, [key for key in fixed if key != _AGENT])
    agents = space[_AGENT]
    assert isinstance(agents, Categorical)
    return base.with_settings({_AGENT: agents.options[0]}), space


def may_be_network(space: SearchSpace, base: RunConfig) -> bool:
    """Whether some trial of the space, begun from these settings, trains a network."""
    choices = (one.options for one in space.parameters if isinstance(one, Categorical) and one.key == "agent.name")
    named = next(choices, (base.agent.name,))
    return any(base.with_settings({"agent.name": name}).agent.is_network for name in named)
