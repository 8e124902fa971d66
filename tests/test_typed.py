"""Shell lines of the pages, typed as they stand; one that no test is to type has the reason in a mark above its block.

What the tutorials type is in tests/test_tutorials.py. A page whose lines are neither typed nor marked fails. A line
that several pages have is typed on the first of them.
"""

import json
import os
import shlex
import subprocess
import sys
from functools import cache

import pytest
from tests.data.sources.loopback import serving
from tests.test_examples import PAGES, ROOT, shell_lines
from tests.test_tutorials import TYPED
from tests.typed.folder import make_folder, market_of_a_venue
from tests.typed.marks import Mark, marks_above, shell_blocks

MOST_MARKED = 108
"""Lines that are not run: the fewer the better."""

EXIT = {"--require-proven": 4}
"""Lines that end with another code than 0: what they ask for is not so."""


SITTINGS = (
    ("docs/breadth.md",),
    ("docs/coming-from.md",),
    ("docs/download-data.md",),
    ("docs/features.md",),
    ("docs/journal.md",),
    ("docs/own-parts.md",),
    ("docs/tune.md",),
    (
        "docs/commands.md",
        "docs/outside.md",
        "docs/results/limit-entries.md",
        "docs/freqtrade.md",
        "docs/loopback-exchange.md",
        "docs/rank.md",
    ),
    ("docs/paper-bot.md", "README.md"),
)
"""Pages that have lines of their own, in the order in which they are typed in one folder, from the same runs."""

MADE = {"README.md", "docs/paper-bot.md"}
"""Pages on which every run is made, since later lines rest on what it was."""

HOSTS = ("ARCHIVE", "SPOT", "FUTURES", "CCXT")
QUIET = {
    "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "src"))),
    "PYTHONWARNINGS": "ignore",
    "OMP_NUM_THREADS": "1",
    "TRADSYS_DATA__REQUESTS_PER_S": "10000",
}


def words_of(line):
    """The line but for its comment and how it is spaced."""
    return tuple(shlex.split(line, comments=True))


@cache
def lines_of():
    """By page, the lines that are typed there: none that an earlier page or a tutorial has typed."""
    seen = {words_of(line) for lines in TYPED.values() for line in lines}
    found = {}
    for page in PAGES:
        lines = [line for block in shell_blocks(page.read_text()) for line in block.typed]
        own = [line for line in lines if words_of(line) not in seen]
        seen |= {words_of(line) for line in own}
        if own:
            found[page.relative_to(ROOT).as_posix()] = own
    return found


@pytest.fixture(scope="module")
def pattern(finished, tmp_path_factory):
    """A folder with whatever the pages name; each page is typed in a copy."""
    place = tmp_path_factory.mktemp("typed") / "here"
    place.mkdir()
    make_folder(place, finished[2], ROOT / "docs")
    return place.parent


@pytest.mark.slow
@pytest.mark.parametrize("pages", SITTINGS, ids=" ".join)
def test_every_line_of_a_page_does_its_work(pages, pattern, tmp_path):
    subprocess.run(["cp", "-r", f"{pattern}/.", tmp_path], check=True)
    asked = {"lines": [line for page in pages for line in lines_of()[page]], "is_shared": not MADE & set(pages)}
    with serving(market_of_a_venue()) as venue:
        done = subprocess.run(
            [sys.executable, "-m", "tests.typed.person"],
            cwd=tmp_path / "here",
            env=os.environ | QUIET | {f"TRADSYS_DATA__{name}_URL": venue.url for name in HOSTS},
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    wrong = [
        f"{line}\n{answer}"
        for line, answer in zip(asked["lines"], told["answers"], strict=True)
        if answer["code"] != next((code for words, code in EXIT.items() if words in line), 0) or answer["traceback"]
    ]
    assert wrong == [], "\n\n".join(wrong)
    assert [line for line, code in told["ended"] if code not in (0, 130)] == []


def test_every_page_is_typed_or_marked():
    named = [page for pages in SITTINGS for page in pages]
    missing = sorted(lines_of().keys() - set(named))
    assert missing == [], f"name them in SITTINGS, or mark what is not run with the reason: {missing}"
    assert sorted(lines_of()) == sorted(named), "a page is named twice, or has no line that is typed there first"


def test_lines_that_are_not_run_say_why_and_are_few():
    blocks = [block for page in PAGES for block in shell_blocks(page.read_text())]
    n_marked = sum(len(block.lines) - len(block.typed) for block in blocks)
    assert 0 < n_marked <= MOST_MARKED
    for block in blocks:
        for mark in block.marks:
            assert any(mark.is_about(line) for line in block.lines), f"no line of its block holds {mark.texts}"
            assert len(mark.why.split()) >= 3, f"{mark.why!r} is no reason"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_shell_line_is_in_a_block_and_every_mark_above_one(page):
    text = page.read_text()
    blocks = shell_blocks(text)
    assert sorted(line for block in blocks for line in block.lines) == sorted(shell_lines(text))
    shell = sum(len(block.marks) for block in blocks)
    python = text.count("-->\n```python")
    assert text.count("<!-- not run: ") == shell + python


def test_marks_are_about_the_lines_that_they_name_or_the_whole_block():
    text = "A page.\n\n<!-- not run: `tradsys remote`, `ssh`: needs a host -->\n\n    tradsys web\n    ssh HOST\n\n"
    (block,) = shell_blocks(text)
    assert block.marks == (Mark(("tradsys remote", "ssh"), "needs a host"),)
    assert block.typed == ["tradsys web"]
    (whole,) = shell_blocks("<!-- not run: needs a host -->\n```sh\ntradsys web\nssh HOST\n```\n")
    assert whole.typed == [] and len(whole.lines) == 2
    assert marks_above("<!-- not run: needs a host -->\nSomething else.\n") == ()
    later = "<!-- not run: needs a host -->\n\nSomething else.\n\n<!-- not run: needs a card -->\n"
    assert [mark.why for mark in marks_above(later)] == ["needs a card"]
