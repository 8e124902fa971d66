"""Own parts by configuration: modules that register features, agents, rules and profiles, known by their source."""

import importlib
import re
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from tradsys.core.errors import ConfigError, TradsysError
from tradsys.core.registry import forget, note_source, registered_source, registers_parts, root_of
from tradsys.core.source_files import module_file, source_digest

_SHOWN: Final = 16
_PINNED: Final = re.compile(rf"(?P<name>.+)@(?P<digest>[0-9a-f]{{{_SHOWN}}})")
_SCRIPT: Final = "__main__"
_LOADED: Final[list[str]] = []
"""Plugins that settings named, as `NAME@DIGEST`; processes of a pool load them too."""

_ROOM: Final = (
    "put @register above a feature, @register_agent above an agent, @register_barrier_rule above a label's rule, or "
    "call register_profile"
)


class _Wanted(NamedTuple):
    """A plugin as somebody named it: a module to import, the file that it must come from, the digest it must have."""

    given: str
    module: str
    place: Path | None
    digest: str | None


def load_plugins(given: Sequence[str | Path]) -> tuple[str, ...]:
    """Import plugins and return each as `MODULE@DIGEST`, sorted, where the digest is the start of its source's SHA-256.

    Each is an importable module, a .py file or a package's folder, with or without the digest that it must have. A
    ConfigError says in one sentence which cannot be found or imported, registers nothing or something twice, or has
    another source.
    """
    pinned = tuple(sorted({_loaded(_wanted(str(one))) for one in given}))
    _LOADED.extend(one for one in pinned if one not in _LOADED)
    return pinned


def settle_plugins(given: Sequence[str]) -> tuple[str, ...]:
    """The same for settings, of which those with a digest may come from a stored run: these are not imported.

    A stored run or a bundle runs no code by itself, so that its reader names what it needs.
    """
    for one in given:
        if match := _PINNED.fullmatch(one):
            check_plugin(match["name"], match["digest"], "these settings")
    return load_plugins(given)


def check_plugin(root: str, digest: str | None, who: str) -> None:
    """A ConfigError where a plugin is not loaded, or has another source than `who` was made with."""
    if not (root in sys.modules and registers_parts(root_of(root))):
        source = f" (source {digest[:_SHOWN]})" if digest else ""
        if root == _SCRIPT:
            raise ConfigError(
                f"{who} need parts that a script or notebook registered itself{source}, which nobody else can load: "
                "move them to a module of their own, name it as a plugin, and run again"
            )
        raise ConfigError(
            f"{who} need the plugin {root}{source}, which is not loaded: name it, with --plugin {root} on the command "
            f'line, plugins = ["{root}"] in tradsys.toml, or by importing it first'
        )
    found = registered_source(root_of(root))
    if digest is not None and (found is None or not found.startswith(digest)):
        raise ConfigError(
            f"{who} were made with the plugin {root} of source {digest[:_SHOWN]}, and the one that is loaded has "
            f"{found[:_SHOWN] if found else 'none'}; take that version of it, or run again with this one"
        )


def is_pinned(one: str) -> bool:
    """Whether a plugin is named with the digest of its source."""
    return _PINNED.fullmatch(one) is not None


def loaded_plugins() -> tuple[str, ...]:
    """Every plugin that settings named in this process, for the processes that it starts."""
    return tuple(_LOADED)


def plugin_sources(pinned: Sequence[str]) -> Mapping[str, str]:
    """The whole digest of each plugin's source, by its module."""
    modules = [one.rpartition("@")[0] for one in pinned]
    return {module: registered_source(root_of(module)) or "" for module in modules}


def plugin_roots(pinned: Sequence[str]) -> set[str]:
    """Top-level modules of plugins."""
    return {root_of(one.rpartition("@")[0]) for one in pinned}


@contextmanager
def told_of_own(part: object, what: str) -> Iterator[None]:
    """Make an error of a user's part a ConfigError that says whose and in which line; errors of ours pass as they are.

    `what` names the part, "the feature 'reversal'".
    """
    root = root_of(part.__module__)
    try:
        yield
    except TradsysError:
        raise
    except Exception as error:
        if root == "tradsys" or not registers_parts(root):
            raise
        said = f"{_where(error, root)}{type(error).__name__}: {error}"
        raise ConfigError(f"{what} of the plugin {root} failed: {said}") from error


def _wanted(given: str) -> _Wanted:
    match = _PINNED.fullmatch(given)
    name, digest = (match["name"], match["digest"]) if match else (given, None)
    path = Path(name).expanduser()
    if not (name.endswith(".py") or "/" in name or "\\" in name):
        return _Wanted(given, name, None, digest)
    if not (path.is_file() or (path / "__init__.py").is_file()):
        raise ConfigError(f"there is no plugin at {name}: give a .py file, a package's folder or a module's name")
    module = path.resolve().name.removesuffix(".py")
    if not module.isidentifier():
        raise ConfigError(f"a plugin's file is named like a module, found {path.name!r}; such as my_features.py")
    return _Wanted(given, module, path.resolve(), digest)


def _loaded(wanted: _Wanted) -> str:
    """The plugin imported, as `MODULE@DIGEST`."""
    module, root = wanted.module, root_of(wanted.module)
    folder = str(wanted.place.parent if wanted.place else Path.cwd())
    if folder not in sys.path:
        sys.path.append(folder)  # at the end, where it hides nothing; a pool's processes get the same path
    if module not in sys.modules:
        _import(wanted)
    if wanted.place is not None and module_file(module) != wanted.place:
        raise ConfigError(
            f"the plugin {wanted.given} is named like another module, {module} ({module_file(module)}); rename its file"
        )
    if not registers_parts(root):
        raise ConfigError(f"the plugin {wanted.given} registers nothing; {_ROOM}")
    source = registered_source(root)
    if source is None:
        raise ConfigError(f"the plugin {wanted.given} has no Python source to know it by; give a .py file or a package")
    if source_digest(root) != source:
        raise ConfigError(f"the plugin {wanted.given} changed after it was imported; start Python anew")
    if wanted.digest is not None:
        check_plugin(module, wanted.digest, "the settings")
    return f"{module}@{source[:_SHOWN]}"


def _import(wanted: _Wanted) -> None:
    """Import it; a failure leaves nothing of it behind and is a ConfigError with the plugin's own line."""
    module, root = wanted.module, root_of(wanted.module)
    before = set(sys.modules)
    importlib.invalidate_caches()
    try:
        importlib.import_module(module)
        note_source(root)
    except (Exception, SystemExit) as error:
        is_new = root not in before
        for name in [name for name in sys.modules if name not in before and root_of(name) == root]:
            del sys.modules[name]
        if is_new:
            forget(root)
        if isinstance(error, ModuleNotFoundError) and error.name in (module, root):
            raise ConfigError(
                f"there is no plugin {module!r}: neither a module that can be imported nor {root}.py in {Path.cwd()}"
            ) from None
        raise ConfigError(
            f"the plugin {wanted.given} cannot be imported: {_where(error, root)}{type(error).__name__}: {error}"
        ) from error


def _where(error: BaseException, root: str) -> str:
    """File and line of the plugin at which the error arose, the last of its own."""
    if isinstance(error, SyntaxError):
        return ""  # its message has them
    frames = [(Path(one.filename), one) for one in traceback.extract_tb(error.__traceback__)]
    own = [one for path, one in frames if root in (path.stem, *path.parts)]
    return f"{Path(own[-1].filename).name}, line {own[-1].lineno} ({own[-1].line}): " if own else ""
