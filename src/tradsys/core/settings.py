"""Settings from TOML, `.env`, environment and command line, strict: later ones win, an unknown key is an error."""

import difflib
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from tradsys.core.errors import ConfigError
from tradsys.core.json_text import read_json
from tradsys.core.variables import PREFIX, PROGRAM, refuse_mistyped, variable_of, variables

FILE = "tradsys.toml"
COMMAND_LINE = "the command line"


type Nearest = Callable[[str, Sequence[str]], str | None]
"""The known key that was meant by one that is not; None where nothing is near."""


class SettingsSection(BaseModel):
    """A group of settings: frozen, nothing but what it names, and no number that is not finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def gather(
    known: Collection[str],
    *,
    file: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    aliases: Mapping[str, str] | None = None,
    renamed: Mapping[str, str] | None = None,
    within: str = "",
    nearest: Nearest | None = None,
) -> dict[str, Any]:
    """Dotted keys to values: command line over environment over `.env` over the TOML file.

    `overrides` are keys as given on the command line, e.g. {"labels.horizon": "6"}; `aliases` are variables that need
    no prefix, `renamed` the new names of sections by those that they had. A key that is not known, wherever it stands,
    is a ConfigError that names the nearest one, and so is a variable that was meant to be one of ours; with `within`
    ("data.") only keys that begin so are looked at. `nearest` finds the key that was meant, else the most alike is.
    """
    if not within:
        ours = {*(variable_of(key) for key in known), *(aliases or {})}
        for where, given in variables().items():
            refuse_mistyped(given, ours, where)
    merged: dict[str, Any] = {}
    for where, layer in layers(file, overrides or {}, aliases or {}).items():
        named = _renamed(layer, renamed or {}, where)
        mine = {key: value for key, value in named.items() if key.startswith(within)}
        _refuse_unknown(mine, known, where, nearest or _most_alike)
        merged |= mine
    return merged


def places(
    *,
    file: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    aliases: Mapping[str, str] | None = None,
    renamed: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The place that sets each key that anything sets, such as "the command line"; the one that wins."""
    found: dict[str, str] = {}
    for where, layer in layers(file, overrides or {}, aliases or {}).items():
        found |= dict.fromkeys(_renamed(layer, renamed or {}, where), where)
    return found


def layers(file: Path | None, overrides: Mapping[str, Any], aliases: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Dotted keys to values by the place that sets them; the later one wins."""
    return {
        str(file or FILE): flattened(_read_toml(file)),
        **{where: _from_variables(given, aliases) for where, given in variables().items()},
        COMMAND_LINE: {key: _parse(value) for key, value in overrides.items()},
    }


def build[T: BaseModel](
    model: type[T], values: Mapping[str, Any], section: str = "", *, hidden: Collection[str] = ()
) -> T:
    """The settings with these dotted keys, or a ConfigError that names each key that cannot be used, in its section.

    What the `hidden` keys hold is never told.
    """
    try:
        return model(**_nest(values))
    except ValidationError as error:
        problems = []
        for one in error.errors():
            key = ".".join(str(part) for part in one["loc"])
            found = "" if key.partition(".")[0] in hidden else f", found {one['input']!r}"
            problems.append(f"{section}{key}: {one['msg'].lower()}{found}")
        raise ConfigError("settings that cannot be used: " + "; ".join(problems)) from None


def changed[T: BaseModel](settings: T, keys: Mapping[str, Any]) -> T:
    """The same settings with some dotted keys set; text is read as on the command line, what nobody set stays so."""
    _refuse_unknown(keys, list(dotted(type(settings))), "this change", _most_alike)
    by_hand = flattened(settings.model_dump(exclude_unset=True))
    return build(type(settings), by_hand | {key: _parse(value) for key, value in keys.items()})


def flat(settings: BaseModel) -> dict[str, Any]:
    """Every setting under its dotted key, in JSON's types."""
    return flattened(settings.model_dump(mode="json"))


def dotted(model: type[BaseModel], prefix: str = "") -> Iterable[str]:
    """Every key that a model and its sections know."""
    for name, field in model.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield from dotted(section, f"{prefix}{name}.")
        else:
            yield prefix + name


def _read_toml(file: Path | None) -> dict[str, Any]:
    path = file or Path(FILE)
    if not path.is_file():
        if file is not None:
            raise ConfigError(f"no settings file at {file}; give an existing TOML file or leave --config out")
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}; mend that line") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no UTF-8, which TOML is ({error}); save it as that") from None


def _renamed(layer: Mapping[str, Any], sections: Mapping[str, str], where: str) -> dict[str, Any]:
    """The layer with today's names of sections; a ConfigError where it sets one thing under both."""
    named: dict[str, Any] = {}
    for key, value in layer.items():
        section, dot, name = key.partition(".")
        today = sections.get(section, section) + dot + name
        if today in named:
            raise ConfigError(f"{where} sets {today!r} twice, once as {key!r}, its earlier name; keep one of them")
        named[today] = value
    return named


def flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Values of nested sections under their dotted keys."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= flattened(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return flat


def _nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key, value in flat.items():
        *sections, name = key.split(".")
        target = nested
        for section in sections:
            target = target.setdefault(section, {})
        target[name] = value
    return nested


def _from_variables(variables: Mapping[str, str | None], aliases: Mapping[str, str]) -> dict[str, Any]:
    """`TRADSYS_LABELS__HORIZON=6` is labels.horizon; an alias, such as `STRATEGY_PROFILE`, needs no prefix."""
    settings = (name for name in variables if name.startswith(PREFIX) and name not in PROGRAM)
    values = {name.removeprefix(PREFIX).lower().replace("__", "."): _parse(variables[name]) for name in settings}
    return values | {key: variables[name] for name, key in aliases.items() if variables.get(name)}


def _parse(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return read_json(text)
    except ValueError:
        return text.split(",") if "," in text else text


def _refuse_unknown(given: Mapping[str, Any], known: Collection[str], where: str, nearest: Nearest) -> None:
    for key in given:
        if key not in known:
            near = nearest(key, list(known))
            hint = f"did you mean {near!r}?" if near else f"known are {', '.join(known)}"
            raise ConfigError(f"{where} sets {key!r}, which is no setting; {hint}")


def _most_alike(key: str, known: Sequence[str]) -> str | None:
    found = difflib.get_close_matches(key, known, n=1, cutoff=0.3)
    return found[0] if found else None
