"""The source files of a module, and one digest of them all."""

import ast
import hashlib
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path


def source_digest(root: str) -> str | None:
    """SHA-256 over the Python files of an imported top-level module or package; None where it has none, as a notebook.

    Of a single file it covers the files beside it that it imports too, and what those import; packages that are
    installed belong to the lock, not to it.
    """
    files = _files(root)
    if not files:
        return None
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        content = path.read_bytes()
        digest.update(f"{name}\n{len(content)}\n".encode() + content)
    return digest.hexdigest()


def module_file(root: str) -> Path | None:
    """Where an imported module is from: its file, or the folder of a package; None where there is none."""
    module = sys.modules.get(root)
    folders = list(getattr(module, "__path__", ()))
    file = getattr(module, "__file__", None)
    found = folders[0] if folders else file
    return None if found is None else Path(found).resolve()


def _files(root: str) -> dict[str, Path]:
    """Source files by their names below the folder that holds the module."""
    place = module_file(root)
    if place is None or not (place.is_dir() or (place.suffix == ".py" and place.is_file())):
        return {}
    folder = place.parent
    paths = list(place.rglob("*.py")) if place.is_dir() else list(_with_neighbours(place))
    return {path.relative_to(folder).as_posix(): path for path in paths}


def _with_neighbours(file: Path) -> Iterator[Path]:
    """The file, and what is imported, directly or not, from beside it."""
    folder, waiting, seen = file.parent, [file], {file}
    installed = {Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib", "stdlib")}
    while waiting:
        path = waiting.pop()
        yield path
        names = () if folder in installed else _imported(path)
        for name in names:
            package = folder / name
            near = package.rglob("*.py") if (package / "__init__.py").is_file() else [folder / f"{name}.py"]
            found = {one for one in near if one.is_file()} - seen
            seen |= found
            waiting += sorted(found)


def _imported(path: Path) -> set[str]:
    """Top-level names that a file imports, but for this package."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found - {"tradsys"}
