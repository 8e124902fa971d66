"""Parts by name, ours and a user's alike, and the source of each module that registered some."""

from typing import Final

from tradsys.core.errors import ConfigError
from tradsys.core.source_files import source_digest

_OURS: Final = "tradsys"
_ALL: Final[list["Registry[object]"]] = []
_SOURCES: Final[dict[str, str | None]] = {}
"""Top-level modules other than ours that registered something, and the digest of their source at that moment."""


class Registry[T]:
    """Parts of one kind ("feature", "agent") by name; each name is given once, by one module."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.entries: dict[str, T] = {}
        self.owners: dict[str, str] = {}
        _ALL.append(self)  # type: ignore[arg-type]  # a registry of anything is one of objects where names are dropped

    def add(self, name: str, part: T, module: str) -> None:
        """Make a part of `module` known by a name; a ConfigError where the name is taken."""
        if name in self.entries:
            if root_of(module) == _OURS and self.is_own(name):
                raise ConfigError(
                    f"{self.owners[name]} registers the {self.kind} {name!r}, which tradsys has itself; choose another "
                    "name there"
                )
            raise ConfigError(
                f"{self.kind} {name!r} is registered already, by {self.owners[name]}; choose another name"
            )
        note_source(module)
        self.entries[name], self.owners[name] = part, root_of(module)

    def is_own(self, name: str) -> bool:
        """Whether a user's module registered it, rather than this package."""
        return self.owners.get(name, _OURS) != _OURS


def root_of(module: str) -> str:
    """The top-level module or package that a module belongs to."""
    return module.partition(".")[0]


def note_source(module: str) -> None:
    """Remember the source of a module's top-level package, unless it is ours or known already."""
    root = root_of(module)
    if root != _OURS and root not in _SOURCES:
        _SOURCES[root] = source_digest(root)


def registered_source(root: str) -> str | None:
    """Digest of the source as it was when this top-level module registered its parts; None where it has no file."""
    return _SOURCES.get(root)


def registers_parts(root: str) -> bool:
    """Whether something of this top-level module is registered."""
    return any(root in registry.owners.values() for registry in _ALL)


def forget(root: str) -> None:
    """Take back whatever a top-level module registered, when its import failed."""
    _SOURCES.pop(root, None)
    for registry in _ALL:
        for name in [name for name, owner in registry.owners.items() if owner == root]:
            del registry.entries[name], registry.owners[name]
