"""Write docs/files.md: every folder and file, with the first sentence that it says about itself.

python scripts/tree.py            # write the page
python scripts/tree.py --check    # exit with 1 where the page is out of date
"""

import ast
import json
import re
import sys
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = Path("docs/files.md")
ROOMS = {
    "src/tradsys": "the package",
    "tests": "the tests, which mirror it",
    "benchmarks": "what is fast, and how fast",
    "scripts": "set-up, locks, packages, mutation tests, the site and the pages that are generated",
    "deploy": "images, a pod's set-up, and studies on rented machines or a cluster",
    "docs": "the pages",
    "measurements": "results that pages and reports quote",
}
"""What the page covers: folders of the repository, with a heading each."""

BESIDE = {
    "README.md": "the first page",
    "CONTRIBUTING.md": "how to add something, and how to check it",
    "CHANGELOG.md": "what a user would notice, the newest first",
    "Makefile": "`make run`, `make test`, `make check`, `make dist`, `make docs`, `make soak`, `make lock`",
    "pyproject.toml": "dependencies, layers, and the settings of every tool",
    "requirements.lock": "what runs, pinned with hashes",
    "requirements-torch.lock": "torch and what it brings",
    "requirements-dev.lock": "what tests and checks need",
    "requirements-docs.lock": "what builds the site of the pages",
    "mkdocs.yml": "the site of the pages: what is where in it",
    "requirements-mlflow.lock": "an environment for `tradsys track`, which does not go together with the others",
    "requirements-nautilus.lock": "an environment in which tests look at trades in NautilusTrader",
    "requirements-freqtrade.lock": "an environment in which tests trade what was exported for freqtrade",
    ".python-version": "the Python that `make` looks for",
    ".dockerignore": "what of the repository an image may hold",
    ".ci/run": "what continuous integration calls: `make test`, with the wheel in clean environments, then `make docs`",
    "LICENSE": "Apache 2.0",
}
"""Files beside these folders; the files that git and editors keep are not named."""

ABOUT = {
    "src/tradsys/py.typed": "marks the package as typed",
    "src/tradsys/data/sample_bars/*.csv.gz": "the sample: 15-minute bars of BTC-USD, as they were published",
    "src/tradsys/data/sample_bars/MIT.txt": "licence of the package that the file is from",
    "src/tradsys/data/sample_bars/SOURCE.txt": "where the sample's file comes from, and its licences",
    "src/tradsys/neighbours/templates/freqtrade_strategy.txt": "the strategy that freqtrade loads, with blanks",
    "src/tradsys/report/templates/report.html.j2": "the page around all parts",
    "src/tradsys/report/templates/content.html.j2": "all that is shown of a run, for the report and for the web",
    "src/tradsys/report/templates/verdict.html.j2": "headline, and a card a profile",
    "src/tradsys/report/templates/report.css": "colours, type and layout of the page",
    "src/tradsys/report/templates/diagnostics.css": "style of the diagnostics' charts",
    "src/tradsys/report/templates/strips.css": "style of interval strips",
    "src/tradsys/report/vendor/lightweight-charts/LICENSE": "Apache 2.0",
    "src/tradsys/report/vendor/lightweight-charts/NOTICE": "attribution to TradingView",
    "src/tradsys/report/vendor/lightweight-charts/*.js": "the charts' library, as published",
    "src/tradsys/web/templates/base.html.j2": "the page around every page: bar, content, footer",
    "src/tradsys/web/templates/home.html.j2": "the overview",
    "src/tradsys/web/templates/home_jobs.html.j2": "runs at work",
    "src/tradsys/web/templates/home_proven.html.j2": "a run that proved something, and whether that holds",
    "src/tradsys/web/templates/runs.html.j2": "the list of runs with its filter",
    "src/tradsys/web/templates/runs_list.html.j2": "the rows of that list, which htmx fetches alone",
    "src/tradsys/web/templates/run.html.j2": "a run: what is known since, above its report",
    "src/tradsys/web/templates/now.html.j2": "its verdict then and now, or the button that asks for it",
    "src/tradsys/web/templates/now_page.html.j2": "the same as a page of its own, without scripts",
    "src/tradsys/web/templates/mark.html.j2": "a profile in a line: its verdict, its Sharpe ratio and interval",
    "src/tradsys/web/templates/compare.html.j2": "runs side by side",
    "src/tradsys/web/templates/journal.html.j2": "the markets of the journal",
    "src/tradsys/web/templates/market.html.j2": "one market's entries",
    "src/tradsys/web/templates/tuning.html.j2": "the studies",
    "src/tradsys/web/templates/study.html.j2": "one study",
    "src/tradsys/web/templates/picture.html.j2": "a picture of dots, a line and rules",
    "src/tradsys/web/templates/calibration.html.j2": "measured error rates",
    "src/tradsys/web/templates/bot.html.j2": "every account",
    "src/tradsys/web/templates/bot_accounts.html.j2": "a row an account, which streams",
    "src/tradsys/web/templates/account.html.j2": "one account: its parts, of which each streams",
    "src/tradsys/web/templates/account_news.html.j2": "how it goes, whose money it is, and the figures",
    "src/tradsys/web/templates/account_why.html.j2": "why nothing is entered, and what to be careful of",
    "src/tradsys/web/templates/account_curve.html.j2": "equity over time",
    "src/tradsys/web/templates/account_held.html.j2": "positions between stop and target, and orders that are out",
    "src/tradsys/web/templates/account_control.html.j2": "commands, and what came of the last one",
    "src/tradsys/web/templates/account_decided.html.j2": "decisions with their reasons",
    "src/tradsys/web/templates/account_standing.html.j2": "the state, and how much of each limit is used",
    "src/tradsys/web/templates/account_closed.html.j2": "trades that are over, and their sums",
    "src/tradsys/web/templates/account_replayed.html.j2": "the last replay, or the command that makes one",
    "src/tradsys/web/templates/account_lately.html.j2": "what happened lately",
    "src/tradsys/web/templates/data.html.j2": "the series of the store",
    "src/tradsys/web/templates/series.html.j2": "one series: its years, and what its check found",
    "src/tradsys/web/templates/series_check.html.j2": "gaps as a strip over time, and what else was found",
    "src/tradsys/web/templates/refused.html.j2": "what cannot be shown, and why",
    "src/tradsys/web/static/web.css": "what the pages have beyond the report's style",
    "src/tradsys/web/static/runs.css": "lists of runs: filter, table, verdicts with intervals in a line",
    "src/tradsys/web/static/bot.css": "style of the bot's pages",
    "src/tradsys/web/static/bot.js": "what the equity was under the pointer, and a command that nobody answered",
    "src/tradsys/web/static/data.css": "style of the store's pages",
    "src/tradsys/web/static/web.js": "token of posts, streamed parts and how they grow stale",
    "src/tradsys/web/static/vendor/htmx/LICENSE": "Zero-Clause BSD",
    "src/tradsys/web/static/vendor/htmx/NOTICE": "which version, and from where",
    "src/tradsys/web/static/vendor/htmx/*.js": "htmx, as published",
    "src/tradsys/verdict/calibration.json": "measured error rates, which every report quotes",
    "tests/journal/schema_1/*": "a ledger of the first schema",
    "docs/report.png": "the picture on the first page",
    "docs/web.png": "a bot's page in the browser, for docs/watch-in-the-browser.md",
    "measurements/calibration/fast.jsonl": "a line a market of the fast preset",
    "measurements/calibration/full.jsonl": "a line a market of the full preset",
}
"""What files are that cannot say it themselves."""

GENERATED = re.compile(r"__pycache__|/\.|\.(pyc|nbi|nbc|so)$")
_SAYS = {
    ".js": r"// (.+)",
    ".css": r"/\* (.+?) \*/",
    ".j2": r"\{#-? (.+?) -?#\}|<h2>(.+?)</h2>",
    ".service": r"# (.+)",
    ".sh": r"# (.+)",
    ".toml": r"# (.+)",
    ".md": r"# (.+)",
    ".yaml": r"# (.+)",
    ".cpu": r"# (.+)",
    ".gpu": r"# (.+)",
}


def sentence(text: str) -> str:
    """The first sentence of a text, on one line and without its full stop."""
    first = " ".join(text.split("\n\n")[0].split())
    return re.split(r"(?<=\w)[.](?= [A-Z]|$)", first)[0]


def phrase(path: Path) -> str:
    """What a file says it is: its docstring, its first comment or heading; of a test, what it tests."""
    for pattern, what in ABOUT.items():
        if fnmatch(path.relative_to(ROOT).as_posix(), pattern):
            return what
    if path.suffix == ".py":
        return sentence(ast.get_docstring(ast.parse(path.read_text())) or _tested(path))
    if path.suffix == ".json":
        return sentence(str(json.loads(path.read_text()).get("about", "")))
    pattern = _SAYS.get(path.suffix)
    found = re.search(pattern, path.read_text().removeprefix("#!")[:2000]) if pattern else None
    return sentence(found[found.lastindex]) if found else ""


def _tested(path: Path) -> str:
    """`tests/splits/test_purge.py` tests `splits/splitter.py`, where there is such a file."""
    twin = path.relative_to(ROOT).with_name(path.name.removeprefix("test_")).relative_to("tests")
    return f"tests `{twin}`" if (ROOT / "src/tradsys" / twin).is_file() else ""


def folders(top: Path) -> list[Path]:
    """The folder and all below it that hold a file, those of a package before the packages in it."""
    inside = {path.parent for path in top.rglob("*") if path.is_file() and not GENERATED.search(path.as_posix())}
    return sorted(inside | {top})


def listed(folder: Path) -> list[str]:
    """A line a file, the package's own docstring left to its folder's line."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not GENERATED.search(path.as_posix()))
    names = [path for path in files if path.name not in ("__init__.py", PAGE.name)]
    return [f"- [`{path.name}`](../{path.relative_to(ROOT)}) {phrase(path)}".rstrip() for path in names]


def page() -> str:
    """The whole page as it should be now."""
    lines = ["# Every file", "", "Written by `python scripts/tree.py`; a test fails where it is out of date.", ""]
    lines += [f"- [`{name}`](../{name}) {what}" for name, what in BESIDE.items()] + [""]
    for top, what in ROOMS.items():
        lines += [f"## {top}: {what}", ""]
        for folder in folders(ROOT / top):
            init = folder / "__init__.py"
            about = phrase(init) if init.is_file() else ""
            lines += [f"**{folder.relative_to(ROOT)}/** {about}".rstrip(), "", *listed(folder), ""]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    target, wanted = ROOT / PAGE, page()
    if "--check" in sys.argv:
        found = target.read_text() if target.is_file() else ""
        sys.exit(0 if found == wanted else f"{PAGE} is out of date; run python scripts/tree.py")
    target.write_text(wanted)
