"""The site of the pages: links and anchors of every page, generated pages, what git renders as the site does."""

import re
import runpy
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")])
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def prose(page: Path) -> str:
    """The page without its blocks of code, fenced or indented."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)
    return re.sub(r"^    .*$", "", text, flags=re.M)


@cache
def anchors(page: Path) -> frozenset[str]:
    """Anchors of a page's headings that are the same on GitHub and on the site, whose rules for names differ."""
    titles = [re.sub(r"[`*]|\]\([^)]*\)|\[", "", title) for title in re.findall(r"^#+ (.+)$", prose(page), flags=re.M)]
    on_github = [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]
    on_site = [re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", title).strip().lower()) for title in titles]
    both = [one for one, other in zip(on_github, on_site, strict=True) if one == other]
    return frozenset(name for name in both if both.count(name) == 1)


@every_page
def test_links_and_their_anchors_are_there(page):
    for target, _, anchor in re.findall(r"\]\(([^)#\s]*)(#([^)\s]+))?\)", prose(page)):
        if "://" in target:
            continue
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), f"{target} is not there"
        assert not anchor or anchor in anchors(there), (
            f"{target}#{anchor} is not there, or not on GitHub and the site alike"
        )


def test_an_anchor_that_is_not_there_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A page\n\n## Costs, and more\n\n## Twice\n\n## Twice\n\n## One - two\n")
    assert anchors(page) == {"a-page", "costs-and-more"}


@every_page
def test_lists_and_tables_stand_apart_from_the_text_before(page):
    """GitHub begins a list or a table right below a line of text; the site takes both for one paragraph."""
    lines = prose(page).splitlines()
    begin = re.compile(r"(- |\d+\. |\|)")
    glued = [
        line
        for before, line in pairwise(lines)
        if begin.match(line) and before.strip() and not begin.match(before) and not before.startswith(("  ", "#"))
    ]
    assert glued == []


def test_the_site_leads_to_every_page_once():
    named = re.findall(r"([\w./-]+\.md)", (ROOT / "mkdocs.yml").read_text().split("\nnav:")[1])
    assert sorted(named) == sorted(page.relative_to(ROOT).as_posix() for page in PAGES)


class TestBuiltSite:
    """`make docs` ends with an error where one of these is found."""

    @pytest.fixture
    def dead(self, tmp_path):
        """Writes a site of one page beside another one, and returns what is wrong with its links."""
        check = runpy.run_path(str(ROOT / "scripts" / "build_site.py"))["dead"]

        def write(body: str) -> list[str]:
            (tmp_path / "docs").mkdir(exist_ok=True)
            (tmp_path / "index.html").write_text('<h1 id="top">A site</h1>')
            (tmp_path / "docs" / "page.html").write_text(body)
            return list(check(tmp_path))

        return write

    def test_links_that_lead_somewhere_are_fine(self, dead):
        assert dead('<a href="../index.html#top"></a><a href="#here" id="here"></a><a href="https://a.org"></a>') == []

    def test_a_link_to_nothing_is_found(self, dead):
        assert dead('<a href="gone.html"></a>') == ["docs/page.html leads to gone.html, which is not there"]

    def test_a_missing_anchor_is_found(self, dead):
        assert dead('<a href="../index.html#end"></a>') == [
            "docs/page.html leads to ../index.html#end, an anchor that is not there"
        ]

    def test_whatever_is_fetched_from_elsewhere_is_found(self, dead):
        assert dead('<script src="https://cdn.org/a.js"></script>') == ["docs/page.html fetches https://cdn.org/a.js"]
        assert dead('<link rel="canonical" href="https://a.org/">') == []


def test_every_picture_of_the_pages_is_made_by_a_command():
    made = runpy.run_path(str(ROOT / "scripts" / "pictures.py"))["PICTURES"]
    assert {path.stem for path in (ROOT / "docs").glob("*.png")} == set(made)
