"""Write a release: the version, the changelog's section with its date, and the text of the tag.

python scripts/release.py 0.3.0            # says what would change
python scripts/release.py 0.3.0 --write    # changes it, and says what to type next

The newest section of CHANGELOG.md is what is released: `## Unreleased`, or the version itself, without a date.
"""

import argparse
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import unified_diff
from pathlib import Path

VERSION_FILE = Path("src/tradsys/__init__.py")
CHANGELOG = Path("CHANGELOG.md")
TAG_TEXT = Path("dist/tag.txt")

PROJECT_FILE = Path("pyproject.toml")

HOMELESS = (
    "wanted the project's public address, found no Repository in [project.urls] of pyproject.toml: the README in the "
    "packages names paths instead of linking to them, and shows no picture; write there, where there is one,\n"
    '    [project.urls]\n    Repository = "https://HOST/OWNER/tradsys"'
)
"""Said of a release, and no reason to refuse it: there may be no public address."""

VERSION = re.compile(r'^__version__ = "(.+)"$', flags=re.M)
SECTION = re.compile(r"^## (?P<name>\S+)(?: \((?P<day>.+)\))?\n(?P<body>.*?)(?=^## |\Z)", flags=re.M | re.S)


class ReleaseError(Exception):
    """What stands in the way of a release, and what to do."""


@dataclass(frozen=True, slots=True)
class Release:
    """What a release changes: texts by file, and the text of its tag."""

    version: str
    before: dict[Path, str]
    after: dict[Path, str]
    tag: str

    def diff(self) -> str:
        """The changes as a patch."""
        return "".join(
            line
            for path, text in self.after.items()
            for line in unified_diff(
                self.before[path].splitlines(keepends=True), text.splitlines(keepends=True), f"a/{path}", f"b/{path}"
            )
        )

    def write(self, root: Path) -> None:
        """Change the files, and put the tag's text beside what will be built."""
        for path, text in {**self.after, TAG_TEXT: self.tag}.items():
            (root / path).parent.mkdir(exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")


def prepared(root: Path, version: str, day: date) -> Release:
    """The release of a version on a day, from the files as they are."""
    before = {path: (root / path).read_text(encoding="utf-8") for path in (VERSION_FILE, CHANGELOG)}
    found = VERSION.search(before[VERSION_FILE])
    if not found:
        raise ReleaseError(f'wanted a line __version__ = "..." in {VERSION_FILE}, found none; write it')
    if numbers(version) < numbers(found[1]):
        raise ReleaseError(f"wanted a version from {found[1]} on, which {VERSION_FILE} has, found {version}")
    changelog, body = dated(before[CHANGELOG], version, day)
    after = {VERSION_FILE: VERSION.sub(f'__version__ = "{version}"', before[VERSION_FILE]), CHANGELOG: changelog}
    return Release(version, before, after, f"tradsys {version}\n\n{body}\n")


def numbers(version: str) -> tuple[int, ...]:
    """0.3.0 as numbers that can be compared."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise ReleaseError(f"wanted a version of three numbers, such as 0.3.0, found {version}")
    return tuple(map(int, version.split(".")))


def dated(changelog: str, version: str, day: date) -> tuple[str, str]:
    """The changelog with its newest section named and dated, and what that section says."""
    newest = SECTION.search(changelog)
    if not newest or newest["day"] or newest["name"] not in ("Unreleased", version):
        heading = newest[0].splitlines()[0] if newest else "no section"
        raise ReleaseError(
            f"wanted `## Unreleased` or `## {version}` without a date at the top of {CHANGELOG}, found {heading}; "
            "write there what a user would notice"
        )
    if any(other["name"] == version for other in SECTION.finditer(changelog, newest.end())):
        raise ReleaseError(f"wanted a version that {CHANGELOG} does not have yet, found {version}; raise it")
    body = newest["body"].strip()
    if not body:
        raise ReleaseError(
            f"wanted a line for each change in the newest section of {CHANGELOG}, found none; write them"
        )
    heading = f"## {version} ({day.isoformat()})\n"
    return changelog[: newest.start()] + heading + newest["body"] + changelog[newest.end() :], body


def has_home(project: str) -> bool:
    """Whether pyproject.toml names where the project is found, which the links of the packages' README begin with."""
    return bool(tomllib.loads(project)["project"].get("urls", {}).get("Repository"))


def refuse_unsettled(root: Path, version: str) -> None:
    """What is not in git would be in the packages and not behind the tag."""
    if changed := _git(root, "status", "--porcelain"):
        raise ReleaseError(f"wanted all files committed, found {len(changed.splitlines())} that are not:\n{changed}")
    if _git(root, "tag", "--list", f"v{version}"):
        raise ReleaseError(f"wanted a version without a tag, found v{version}; raise the version")


def _git(root: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout.rstrip()


def main(words: list[str], root: Path) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="write a release; says what it would do unless --write is given")
    parser.add_argument("version", help="three numbers, such as 0.3.0")
    parser.add_argument(
        "--date", type=date.fromisoformat, default=datetime.now(UTC).date(), help="today (UTC) unless given"
    )
    parser.add_argument("--write", action="store_true", help="change the files")
    given = parser.parse_args(words)
    try:
        release = prepared(root, given.version, given.date)
        if given.write:
            refuse_unsettled(root, given.version)
            release.write(root)
    except ReleaseError as reason:
        print(f"release: {reason}", file=sys.stderr)
        return 1
    print(release.diff())
    if not has_home((root / PROJECT_FILE).read_text(encoding="utf-8")):
        print(f"{HOMELESS}\n")
    print(f"text of the tag v{release.version}:\n\n{release.tag}")
    print(next_steps(release.version) if given.write else "nothing was changed; --write does it")
    return 0


def next_steps(version: str) -> str:
    """What is typed after the files were written; sending anything anywhere is left to a person."""
    return f"""next:
    make check
    git commit --all --message "Release {version}"
    git tag --annotate v{version} --cleanup=verbatim --file {TAG_TEXT}
    make dist"""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).resolve().parents[1]))
