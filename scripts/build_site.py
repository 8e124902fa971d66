"""Build the pages into build/site, strictly: no warning, no dead link, nothing that a page fetches from elsewhere.

    python scripts/build_site.py                  # by Zensical
    python scripts/build_site.py mkdocs           # by Material for MkDocs, from the same mkdocs.yml

The site mirrors the repository: every file that git knows lies in it where it lies here, so that a link means the same
in both. `make docs` calls this with the interpreter that has what requirements-docs.lock lists.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]
STAGED, BUILT = ROOT / "build" / "pages", ROOT / "build" / "site"
BUILDERS = {"zensical": ["build", "--clean", "--strict"], "mkdocs": ["build", "--clean", "--strict", "--quiet"]}
ATTRIBUTES = {"href", "src", "srcset", "poster"}


class References(HTMLParser):
    """What a page links to or fetches, and the anchors that it has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.anchors: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.anchors |= {value for name in ("id", "name") if (value := given.get(name))}
        # what a search engine is told of is neither followed nor fetched
        if given.get("rel") in ("canonical", "edit"):
            return
        found = [value for name in ATTRIBUTES if (value := given.get(name))]
        (self.links if tag == "a" else self.fetched).extend(found)


def stage(root: Path = ROOT, staged: Path = STAGED) -> None:
    """Copy every file that git tracks, or would."""
    shutil.rmtree(staged, ignore_errors=True)
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=root, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (source := root / name).is_file():
            (staged / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, staged / name)


def build(builder: str, root: Path = ROOT) -> None:
    """Let the builder read mkdocs.yml; a warning ends it."""
    done = subprocess.run(
        [sys.executable, "-m", builder, *BUILDERS[builder]],
        cwd=root,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},  # a banner of Material for MkDocs
        capture_output=True,
        text=True,
        check=False,
    )
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    if done.returncode:
        sys.exit(f"{builder} found fault with the pages:\n{said}")


def dead(built: Path) -> Iterator[str]:
    """What is wrong with the links of a built site, a line each."""
    pages = {path: References(path.read_text()) for path in sorted(built.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(built).as_posix()
        yield from (f"{name} fetches {one}" for one in page.fetched if urlsplit(one).netloc)
        for link in (*page.links, *page.fetched):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = _file(unquote(parts.path), path, built)
            if not target.is_file():
                yield f"{name} leads to {link}, which is not there"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                yield f"{name} leads to {link}, an anchor that is not there"


def _file(address: str, page: Path, built: Path) -> Path:
    """The file that a page's link means; one that begins with a slash, as in the page 404, begins at the top."""
    if not address:
        return page
    folder = built if address.startswith("/") else page.parent
    target = Path(os.path.normpath(folder / address.lstrip("/")))
    return target / "index.html" if target.is_dir() else target


def main(builder: str = "zensical") -> None:
    """Stage, build, check; the exit code is 1 where anything is wrong."""
    if builder not in BUILDERS:
        sys.exit(f"wanted a builder, one of {', '.join(BUILDERS)}; found {builder!r}")
    stage()
    build(builder)
    if wrong := list(dead(BUILT)):
        sys.exit("\n".join([*wrong, f"{len(wrong)} links of the built pages are wrong"]))
    folder, pages = BUILT.relative_to(ROOT), sum(1 for _ in BUILT.rglob("*.html"))
    print(f"{pages} pages in {folder}, by {builder}; no dead link; open {folder}/index.html")


if __name__ == "__main__":
    main(*sys.argv[1:])
