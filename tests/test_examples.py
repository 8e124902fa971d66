"""Every example of the pages runs, parses, or is marked as text.

Python is run by Sybil, and prints what the block of text right below it says; one below `<!-- not run: WHY -->` is only
compiled. Shell lines are parsed as the shell and
the commands would, TOML is read as settings. What a program prints, a drawing or a formula stands in a block of `text`,
or is set in by four spaces and begins with no command.
"""

import contextlib
import io
import re
import shlex
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser
from tests.test_docs import SETTINGS, fenced, parse

from tradsys.core.registry import forget
from tradsys.core.settings import flattened
from tradsys.core.variables import variable_of

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])
LANGUAGES = {"python", "sh", "bash", "toml", "text", "pycon"}
"""`pycon` is of generated pages: examples of docstrings, which are run where they stand."""

SHELL_BEGINS = re.compile(r"(tradsys|make|python|export|source|pip|ssh|\.venv/bin/\w+) ")
NOT_RUN = re.compile(r"<!-- not run: \w.+ -->\n\Z")
OTHERS = {"freqtrade", "mlflow", "ssh"}
"""Programs that are not ours, whose options are their own."""

TARGETS = set(re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), flags=re.M)[1].split())


def of_pages(*languages: str) -> pytest.MarkDecorator:
    """The pages that have a block of code in one of these languages."""
    pages = [page for page in PAGES if fenced(page.read_text(), *languages)]
    return pytest.mark.parametrize("page", pages, ids=lambda page: page.name)


@of_pages("python")
def test_snippets_run(page, finished):
    folder = finished[0].folder
    bars = pl.read_parquet(folder / "bars.parquet").drop("symbol")

    def run(example: Example) -> None:
        shown = re.match(r"\s*```text\n(.*?)^```$", example.document.text[example.region.end :], flags=re.M | re.S)
        printed = io.StringIO()
        code = compile(example.parsed.replace("runs/<id>", str(folder)), f"{page.name}:{example.line}", "exec")
        if NOT_RUN.search(example.document.text[: example.region.start]):
            return
        with contextlib.redirect_stdout(printed):
            exec(code, {"bars": bars, "__name__": "snippet"})
        forget("snippet")
        if shown:
            assert printed.getvalue() == shown[1]

    examples = list(Sybil([CodeBlockParser("python", run)]).parse(page))
    assert len(examples) == len(fenced(page.read_text(), "python"))
    for example in examples:
        example.evaluate()


@of_pages("toml")
def test_settings_files_hold_settings(page):
    for block in fenced(page.read_text(), "toml"):
        content = tomllib.loads(block)
        assert "project" in content or set(flattened(content)) <= SETTINGS  # the project's own is pyproject.toml


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_block_says_what_it_is(page):
    opened = [mark for n, mark in enumerate(re.findall(r"^```(\w*)", page.read_text(), flags=re.M)) if n % 2 == 0]
    assert set(opened) <= LANGUAGES
    assert re.findall(r"(?<=\n\n)    (?:from|import|>>>) .+", page.read_text()) == [], (
        "Python stands in a block of its own"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_shell_lines_can_be_typed(page):
    for line in shell_lines(page.read_text()):
        for words in split(line):
            assert can_be_typed(words), line


def shell_lines(text: str) -> list[str]:
    """Lines of shell blocks, and of blocks set in by four spaces that begin with a command."""
    without = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    set_in = [re.sub("^    ", "", block, flags=re.M) for block in re.findall(r"(?:^    .+\n)+", without, flags=re.M)]
    typed = [*fenced(text, "sh", "bash"), *(block for block in set_in if SHELL_BEGINS.match(block))]
    return [line for block in typed for line in block.splitlines() if line.strip() and not line.startswith("#")]


def split(line: str) -> list[list[str]]:
    """The words of each command of a line; a shell's `&&` and `&` part them."""
    found: list[list[str]] = [[]]
    for word in shlex.split(line, comments=True):
        if word in ("&&", "&"):
            found.append([])
        else:
            found[-1].append(word)
    return [words for words in found if words]


def can_be_typed(words: list[str]) -> bool:
    """Whether there is such a command, target, file, module or variable; the options of ours are parsed."""
    match words:
        case ["tradsys", *rest]:
            parse(rest)
            return True
        case ["make", target, *given]:
            return target in TARGETS and all(re.match(r"(ARGS|TORCH)=", one) for one in given)
        case [python, "-m", module, *_] if python.endswith("python"):
            return find_spec(module) is not None
        case ["python", path, *_]:
            return (ROOT / path).exists()
        case ["export", *given]:
            known = {*(variable_of(key) for key in SETTINGS), "STRATEGY_PROFILE"}
            return all(one.split("=")[0] in known for one in given)
        case ["pip", "install", package]:
            extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
            named = re.fullmatch(r"(?:dist/)?tradsys(?:-[\w.-]+\.whl)?(?:\[(.+)\])?", package)
            return bool(named) and set((named[1] or "all").split(",")) <= extras.keys()
        case [program, *_] if program in OTHERS:
            return True
        case ["source", path]:
            return path == ".venv/bin/activate"
        case [tool, *_] if tool.startswith(".venv/bin/"):
            return (Path(sys.executable).parent / Path(tool).name).exists()
    return False


@pytest.mark.parametrize(
    "line",
    [
        "make nothing",
        "python scripts/absent.py",
        "python -m absent",
        "export TRADSYS_LABLES__UPPER=1",
        "pip install tradsys[wep]",
    ],
)
def test_what_cannot_be_typed_is_found(line):
    assert not can_be_typed(line.split())


def test_only_blocks_that_begin_with_a_command_are_shell():
    assert shell_lines("    make run   # all\n    tradsys run\n\n    a drawing\n\n```sh\nmake test\n```\n") == [
        "make test",
        "make run   # all",
        "tradsys run",
    ]
