"""Every command in an environment of each kind: it does its work, or says in one sentence what to install."""

import re
import shutil
import tomllib
from functools import cache
from importlib import import_module
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from tests.environments import make_site, normal, required, run_all

from tradsys.cli.app import COMMANDS
from tradsys.core.extras import EXTRAS, extra_of
from tradsys.data.simulate import simulate

KINDS = ("base", "data", "research", "train", "research,train")
INSTALLED = ("base", "research", "train")
"""Those in which CI installs the wheel itself."""

QUICK = "--bars EDGE-1h.parquet --set regimes.n_starts=1 --set folds.n_folds=2 --set folds.path_groups=0"
SIZES = {"d_model": 8, "n_layers": 1, "n_heads": 2, "window": 4, "max_steps": 4}
TINY = "--agent transformer " + " ".join(f"--set agent.{name}={size}" for name, size in SIZES.items())
TUNE = f"tune {QUICK} --trials 1 --batch 1 --seeds 1 --processes 1"
STORED = "--runs {stored}/runs --journal {stored}/journal"
HOSTS = ("archive_url", "spot_url", "ccxt_url")
CLOSED = " ".join(f"--set data.{host}=http://127.0.0.1:9" for host in HOSTS) + " --set data.backoff_s=0.001"
NETWORK = ("torch", "onnx")

LINES: dict[str, tuple[tuple[str, ...], int, str]] = {
    "--help": ((), 0, "Start with: tradsys run --bars sample"),
    "doctor": ((), 0, "extras "),
    "decide {run}/bundle EDGE-1h.parquet": ((), 0, "0."),
    "data list": ((), 0, "tradsys data download"),
    "data check sample EDGE-1h.parquet": ((), 0, "9 gaps leave out 243 bars"),
    "data import EDGE-1h.parquet --as kraken:BTC/USD:1h": ((), 0, "new rows, 0 changed"),
    f"data download binance:BTC/USDT:1h {CLOSED}": ((), 1, "127.0.0.1:9 failed"),
    f"data download kraken:BTC/USD:1h {CLOSED}": (("ccxt",), 1, "failed"),
    "journal --journal {stored}/journal": ((), 0, "champion"),
    "journal add --market EDGE-1h.parquet --hypothesis it-trends": ((), 0, "next: tradsys run"),
    f"journal decide last negative --why noise {STORED}": ((), 0, "negative: noise"),
    f"journal promote {STORED}": ((), 0, ": "),
    "journal render --journal {stored}/journal --out page.md": ((), 0, "page.md: "),
    "journal restore --journal {stored}/journal": ((), 0, "0 lost lines written again"),
    "journal merge {stored}/journal --journal merged-{kind}": ((), 0, "entries added"),
    **{
        f"remote {words}": ((), 1, "ssh")
        for words in (
            *(f"{name} ssh://127.0.0.1:9" for name in ("push", "follow", "pull", "status", "stop")),
            "run ssh://127.0.0.1:9 -- run --bars EDGE-1h.parquet",
        )
    },
    f"compare {STORED}": ((), 0, "not proven"),
    f"compare --objectives {QUICK} --seeds 1 --quick": (NETWORK, 0, "confidence"),
    "backtest --runs {stored}/runs": ((), 0, "sharpe"),
    "backtest --engine vectorbt --runs {stored}/runs": ((), 2, "pip install 'tradsys[vectorbt]'"),
    "backtest --engine nautilus --runs {stored}/runs": ((), 2, "pip install 'tradsys[nautilus]'"),
    "export last --runs {stored}/runs --pair BTC/USDT:USDT --out strategies-{kind}": ((), 0, "TradsysSniper.py"),
    "track --runs {stored}/runs": ((), 1, "pip install 'tradsys[mlflow]'"),
    f"deploy last {STORED} --out deployed-{{kind}}": ((), 2, "add --venue"),
    "trade start absent --account nobody": ((), 2, "neither a folder with a bundle nor a verb"),
    "trade forceexit all --account nobody": ((), 2, "no account nobody"),
    "trade replay absent --account nobody --bars EDGE-1h.parquet": ((), 2, "no account nobody"),
    **{
        f"trade {verb} --account nobody": ((), 2, "no account nobody")
        for verb in (
            *("status", "profit", "balance", "trades", "export"),
            *("stopentry", "resume", "flatten", "kill", "reload"),
        )
    },
    "calibrate --markets 1 --cell noise --processes 1": ((), 0, "noise"),
    "calibrate --markets 1 --cell noise --processes 1 --part 1/1 --out parts-{kind}": ((), 0, "part 1/1: all of its 1"),
    "merge parts-{kind}": ((), 0, "1 parts in"),
    "web --port 0": (("jinja2", "starlette", "uvicorn"), 0, "open http"),
    f"run {QUICK} --agent logistic": (("jinja2",), 0, "report"),
    f"run {QUICK} {TINY}": (("jinja2", *NETWORK), 0, "report"),
    "rank --bars simulated:universe:4 --size 4 --k 1": (("jinja2",), 0, "report"),
    f"train {QUICK} --agent logistic --out linear-{{kind}}": ((), 0, "bundle: linear"),
    f"train {QUICK} {TINY} --out network-{{kind}}": (NETWORK, 0, "bundle: network"),
    f"{TUNE} --agent logistic --over agent.penalty": (("optuna",), 0, "1 trial"),
    f"{TUNE} --set folds.initial=0.6 {TINY}": (("optuna", *NETWORK), 0, "1 trial"),
    f"lookahead {QUICK} --agent logistic --points 1": ((), 0, "nothing"),
    f"lookahead {QUICK} --points 1 {TINY}": (NETWORK, 0, "nothing"),
}
"""What is typed; the modules beyond the base that it takes; the exit code and some of the text where they are here.

`decide` loads a bundle and decides on bars, as a bot does.
"""

SENTENCE = re.compile(
    r"tradsys: [a-z -]+ needs ([\w, ]+?)(?: for --agent \w+)?; pip install 'tradsys\[([a-z,]+)\]'(.*)\n"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with some months of bars, and below it one for each kind of environment, in which commands are begun."""
    folder = tmp_path_factory.mktemp("extras")
    simulate("edge:3", seed=5, n_bars=4_500).write_parquet(folder / "EDGE-1h.parquet")
    return folder


@pytest.fixture
def answers(place, finished):
    """What each line gave in an environment of a kind."""

    def of(kind, lines):
        stored = place / "stored" / kind
        if not stored.exists():
            shutil.copytree(finished[2], stored)
        run = next((stored / "runs").iterdir())
        typed = [[word.format(stored=stored, run=run, kind=kind) for word in line.split()] for line in lines]
        site, here = place / "sites" / kind, place / "begun" / kind
        if not site.exists():
            make_site(site, required(extras_of(kind)))
            here.mkdir(parents=True)
            (here / "EDGE-1h.parquet").symlink_to(place / "EDGE-1h.parquet")
        return dict(zip(lines, run_all(site, here, typed), strict=True))

    return of


def extras_of(kind):
    return () if kind == "base" else tuple(kind.split(","))


def missing_in(kind, modules):
    here = required(extras_of(kind))
    return {name for name in modules if here.isdisjoint(normal(owner) for owner in owners()[name])}


@cache
def owners():
    """Modules to the distributions that brought them."""
    return packages_distributions()


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.slow) if "research" in kind else kind for kind in KINDS]
)
def test_each_command_works_or_says_what_to_install(kind, answers, request):
    if kind in INSTALLED and request.config.getoption("--registry"):
        pytest.skip("tried in clean environments of their own, in tests/packaging")
    for line, answer in answers(kind, LINES).items():
        check(kind, line, answer)


def check(kind, line, answer):
    """What a command gave in an environment of a kind: its work, or one sentence with what to install."""
    modules, code, words = LINES[line]
    missing = missing_in(kind, modules)
    told = f"{kind}: {line}\n{answer}"
    assert not answer["traceback"] and "Traceback" not in answer["err"], told
    if not missing:
        assert answer["code"] == code, told
        assert words in answer["out"] + answer["err"], told
        return
    sentence = SENTENCE.fullmatch(answer["err"])
    assert answer["code"] == 1 and sentence, told
    assert set(re.split(", | and ", sentence[1])) == missing, told
    assert set(sentence[2].split(",")) == {extra_of(name) for name in missing}, told
    assert (sentence[3] == ", or take --agent logistic") == (missing <= set(NETWORK) and "--objectives" not in line)


def test_every_command_is_among_the_lines():
    for name in COMMANDS:
        module = import_module(f"tradsys.cli.{name}")
        for wanted in (
            (f"{name} {part}" for part in getattr(module, "commands", {})) if hasattr(module, "commands") else (name,)
        ):
            assert any(line.startswith(wanted) for line in LINES), wanted


def test_the_table_of_extras_is_that_of_the_project(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    for extra, modules in EXTRAS.items():
        assert {normal(Requirement(text).name) for text in direct(optional, extra)} == {
            next(normal(owner) for owner in owners()[name] if "binary" not in owner) for name in modules
        }
    assert set(optional) - set(EXTRAS) == {"all", "export", "mlflow", "nautilus"}
    assert {e for text in optional["all"] for e in Requirement(text).extras} == set(EXTRAS)


def direct(optional, extra):
    """The requirements of an extra, those of extras within it too."""
    for text in optional[extra]:
        requirement = Requirement(text)
        if requirement.name == "tradsys":
            yield from (inner for e in requirement.extras for inner in direct(optional, e))
        else:
            yield text
