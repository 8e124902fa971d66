"""The pages: what they name exists, their commands parse, and each is reachable from the first.

Examples in docstrings are run here too, those of every module that has any.
"""

import doctest
import re
import shlex
import subprocess
import sys
import tomllib
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
import typer

from tradsys.cli.app import COMMANDS, build
from tradsys.core.settings import dotted
from tradsys.data.settings import KEYS as DATA_KEYS
from tradsys.data.simulate import parse_recipe
from tradsys.features.catalogue import SHIPPED
from tradsys.remote.settings import KEYS as REMOTE_KEYS
from tradsys.settings.config import RunConfig
from tradsys.settings.trade import KEYS as TRADE_KEYS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])
PLACES = (ROOT, ROOT / "docs", ROOT / "docs" / "reference")
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())

SOURCE = ROOT / "src" / "tradsys"
WITH_EXAMPLES = [
    ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
    for path in sorted(SOURCE.rglob("*.py"))
    if ">>> " in path.read_text()
]

SETTINGS = {*dotted(RunConfig), *DATA_KEYS, *REMOTE_KEYS, *TRADE_KEYS}


def fenced(text: str, *languages: str) -> list[str]:
    """The blocks of code in these languages."""
    return re.findall(rf"^```(?:{'|'.join(languages)})\n(.*?)^```$", text, flags=re.M | re.S)


def commands(text: str) -> list[str]:
    """Lines that call tradsys, in shell blocks or indented; one that ends in a backslash goes on in the next."""
    return [
        line
        for block in [*fenced(text, "sh"), "\n".join(re.findall(r"^    (.+)$", text, flags=re.M))]
        for line in re.sub(r"\\\n\s*", " ", block).splitlines()
        if line.startswith("tradsys ")
    ]


@cache
def command_of(name: str) -> typer.Typer:
    return build(name)


def parse(words: list[str]) -> None:
    """Parse a command line as the shell around the commands does, and call nothing."""
    command, name, parent = typer.main.get_command(command_of(words[0])), "tradsys", None
    while True:
        parent = command.make_context(name, list(words), parent=parent)
        rest = [*getattr(parent, "_protected_args", []), *parent.args]
        if not hasattr(command, "resolve_command") or not rest:
            return
        name, command, words = command.resolve_command(parent, rest)


def test_the_first_page_is_short():
    assert len((ROOT / "README.md").read_bytes()) <= 10_000


@pytest.mark.usefixtures("measurements")
def test_every_file_is_listed():
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "tree.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_option_setting_and_column_is_listed():
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "reference", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_file_says_what_it_is():
    """A docstring, a comment, a heading, or a line in `scripts/tree.py`; a test may name what it tests instead."""
    assert re.findall(r"^- \[.*\)$", (ROOT / "docs" / "files.md").read_text(), flags=re.M) == []


@every_page
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    if (ROOT / "PKG-INFO").is_file():  # a source distribution, which leaves measurements out
        targets = [target for target in targets if not target.startswith("../measurements/")]
    assert [target for target in targets if "://" not in target and not (page.parent / target).exists()] == []


def test_every_page_is_reachable_from_the_first():
    seen, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page not in seen:
            seen.add(page)
            links = re.findall(r"\]\(([^)#\s]+\.md)\)", page.read_text())
            todo += [(page.parent / link).resolve() for link in links]
    assert [page.name for page in PAGES if page not in seen] == []


@every_page
def test_files_that_are_named_exist(page):
    named = set(re.findall(r"[\w.][\w./-]*/[\w.-]+\.(?:py|toml|lock)\b", page.read_text()))
    roots = (ROOT, SOURCE, page.parent)
    missing = {name for name in named if not any((root / name).exists() for root in roots)}
    assert {name for name in missing if not name.startswith("journal/tuning/")} == set()


@every_page
def test_names_that_are_given_import(page):
    for name in set(re.findall(r"\btradsys(?:\.[a-zA-Z_]\w*)+", page.read_text())) - {"tradsys.toml"}:
        parts, tail = name.split("."), []
        while parts:
            try:
                found = import_module(".".join(parts))
                break
            except ModuleNotFoundError:
                tail.insert(0, parts.pop())
        for part in tail:
            found = getattr(found, part)


def test_functions_of_the_way_are_in_their_files():
    text = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| `([\w/]+\.py)` \| (`.+?`) \|", text, flags=re.M)
    assert len(rows) > 20
    for file, names in rows:
        source = (SOURCE / file).read_text()
        for name in re.findall(r"`(\w+)`", names):
            assert re.search(rf"^\s*(def|class) {name}\b", source, flags=re.M), f"{name} is not in {file}"


@every_page
def test_names_of_a_file_are_in_it(page):
    for name, file in re.findall(r"`(\w+)` (?:of|in) `([\w/]+\.py)`", page.read_text()):
        path = next(root / file for root in (ROOT, SOURCE) if (root / file).exists())
        assert re.search(rf"\b{name}\b", path.read_text()), f"{name} is not in {file}"


def test_rooms_of_the_larger_folders_are_described():
    section = (ROOT / "docs" / "architecture.md").read_text().split("## Inside the larger folders")[1].split("\n## ")[0]
    described = re.findall(r"^\| `([a-z/]+)/`", section, flags=re.M)
    rooms = [path.parent.relative_to(SOURCE).as_posix() for path in SOURCE.glob("*/*/__init__.py")]
    assert sorted(described) == sorted(rooms)


def test_the_pages_list_the_layers_as_they_are():
    """In the README every folder of the package; in architecture.md the layers of the contract, in order."""
    project = (ROOT / "pyproject.toml").read_text()
    layers = re.findall(r'^    "([a-z |]+)",$', project.split("\nlayers = [")[1].split("]")[0], flags=re.M)
    drawn = fenced((ROOT / "docs" / "architecture.md").read_text(), "text")[0]
    assert [re.match(r"[a-z]+( \| [a-z]+)*", line)[0] for line in drawn.splitlines()] == layers
    folders = [name for layer in layers for name in layer.split(" | ")]
    listed = re.findall(r"^    ([a-z]+)  +\S", (ROOT / "README.md").read_text().split("## Folders")[1], flags=re.M)
    assert listed == folders


@every_page
def test_commands_parse(page):
    for line in commands(page.read_text()):
        words = shlex.split(line, comments=True)[1:]
        assert words[0] in COMMANDS, line
        parse(words)
        for given in (words[i + 1] for i, word in enumerate(words) if word == "--set"):
            assert given.split("=")[0] in SETTINGS, line


@every_page
def test_simulated_markets_that_are_named_can_be_made(page):
    for recipe in re.findall(r"simulated:([a-z][\w:.-]*\w)", page.read_text()):
        assert parse_recipe(recipe)


@every_page
def test_commands_named_in_passing_exist(page):
    assert set(re.findall(r"`tradsys ([a-z]+)", page.read_text())) <= COMMANDS.keys()


@every_page
def test_settings_that_are_named_exist(page):
    sections = "|".join({key.split(".")[0] for key in SETTINGS if "." in key} - {"data", "verdict", "journal"})
    named = set(re.findall(rf"`((?:{sections})\.(?!py|parquet|json|md)[a-z_]+)(?:=[^`]*)?`", page.read_text()))
    assert named - SETTINGS == set()


def test_every_section_of_the_settings_is_described():
    described = set(re.findall(r"^\| `([a-z]+)` \|", (ROOT / "docs" / "settings.md").read_text(), flags=re.M))
    assert described == {key.split(".")[0] for key in SETTINGS if "." in key}


def test_every_command_is_described():
    described = re.findall(r"^\| `tradsys ([a-z]+)` \|", (ROOT / "docs" / "commands.md").read_text(), flags=re.M)
    assert set(described) == set(COMMANDS)


def test_every_extra_is_described():
    described = re.findall(r"^\| `\[([a-z]+)\]` \|", (ROOT / "docs" / "install.md").read_text(), flags=re.M)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(described) == project["optional-dependencies"].keys() - {"export"}


def test_every_feature_is_described():
    described = re.findall(r"^\| `([a-z_]+)` \| `(.+)\.py` \|", (ROOT / "docs" / "features.md").read_text(), flags=re.M)
    files = [type(feature).__module__.removeprefix("tradsys.").replace(".", "/") for feature in SHIPPED]
    assert described == list(zip([feature.name for feature in SHIPPED], files, strict=True))


def test_pages_that_the_code_names_exist():
    written = {"journal.md"}
    for path in [path for folder in ("src", "benchmarks", "scripts") for path in (ROOT / folder).rglob("*.py")]:
        for name in set(re.findall(r"[\w/-]+\.md\b", path.read_text())) - written:
            assert any((folder / name.lstrip("/")).exists() for folder in PLACES), f"{path.name} names {name}"


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_in_docstrings_print_what_they_say(name):
    result = doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.attempted > 0
    assert result.failed == 0
