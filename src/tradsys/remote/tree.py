"""The files of this project as git knows them, changed or not, and one digest for all of them."""

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

import tradsys
from tradsys.core.errors import ConfigError
from tradsys.remote.on_host import line_of
from tradsys.remote.settings import SECRETS

_LOCKS = ("pyproject.toml", ".python-version", "requirements.lock", "requirements-torch.lock", "scripts/setup.sh")


@dataclass(frozen=True, slots=True)
class Tree:
    """Tracked files below `root` as they are now; `changed` are those that differ from the last commit."""

    root: Path
    names: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over every file: its name, its content, whether it may be executed."""
        return digest_of(self.root, self.names)

    def lock_digest(self, *others: str) -> str:
        """SHA-256 of what decides about an environment."""
        sha = hashlib.sha256("\n".join(others).encode())
        for name in _LOCKS:
            sha.update(line_of(name, self.root / name))
        return sha.hexdigest()[:16]


def digest_of(root: Path, names: tuple[str, ...]) -> str:
    """SHA-256 over these files, in the order of their names."""
    sha = hashlib.sha256()
    for name in sorted(names):
        sha.update(line_of(name, root / name))
    return sha.hexdigest()


def read_tree() -> Tree:
    """The checkout that this program runs from.

    A ConfigError where it is none, or where it has source files that git does not know: they would run here and not
    there, and a run's digest of its code would differ.
    """
    package = Path(tradsys.__file__).parent
    root = Path(_git(package, "rev-parse", "--show-toplevel").strip())
    tracked = [name for name in _git(root, "ls-files", "-z").split("\0") if name]
    names = tuple(name for name in tracked if _is_taken(root / name))
    listed = _git(root, "status", "--porcelain", "-z", "--untracked-files=no").split("\0")
    unknown = {path.relative_to(root).as_posix() for path in package.rglob("*.py")} - set(names)
    if unknown:
        raise ConfigError(
            f"git does not know {len(unknown):,} source files that run here, such as {min(unknown)}; add them "
            "(git add), or remove them"
        )
    return Tree(root, names, tuple(line[3:] for line in listed if line[:2].strip() and line[2:3] == " "))


def _is_taken(path: Path) -> bool:
    """A file or link that is still there; `.env` and `.env.local` hold secrets even where someone committed them."""
    return (path.is_file() or path.is_symlink()) and not SECRETS.fullmatch(path.name)


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, check=False)
    except FileNotFoundError:
        raise ConfigError("what is pushed is what git tracks, found no git here; install git") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise ConfigError(f"what is pushed is a git checkout of this project, found {folder} ({said}); clone it")
    return done.stdout.decode(errors="surrogateescape")
