import json
import re
from html.parser import HTMLParser

import polars as pl
import pytest
from tests.report.conftest import changed
from tests.runs import example

from tradsys.core.errors import DataError
from tradsys.report import render
from tradsys.report.page import page
from tradsys.runs.stored import StoredRun
from tradsys.runs.tables import BARS, TABLES


class Page(HTMLParser):
    """What a browser would load, and the words it would show."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.words, self.tags, self.inside = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag in ("script", "style"):
            self.inside.append(tag)
        loading = {"src", "srcset", "data", "action", "poster"} | ({"href"} if tag != "a" else set())
        self.loads += [value for name, value in attrs if name in loading]

    def handle_endtag(self, tag):
        if self.inside and tag == self.inside[-1]:
            self.inside.pop()

    def handle_data(self, data):
        if not self.inside:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def nulled(content, key):
    """The content with this key null wherever it stands."""
    if isinstance(content, dict):
        return {name: None if name == key else nulled(value, key) for name, value in content.items()}
    return [nulled(value, key) for value in content] if isinstance(content, list) else content


def keys(content):
    inner = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    return set(content if isinstance(content, dict) else ()).union(*(keys(value) for value in inner))


def test_the_page_is_one_file_that_loads_nothing(run):
    text = page(run)
    assert [load for load in Page(text).loads if load != "data:,"] == []
    style = re.search("<style>.*?</style>", text, flags=re.S).group()
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in text


def test_the_same_run_gives_the_same_bytes(make_run):
    folder = make_run(400)
    first = render(folder).read_bytes()
    assert render(folder).read_bytes() == first
    assert [path.name for path in folder.glob("report*")] == ["report.html"]


def test_the_verdict_comes_before_every_number(run):
    text = Page(page(run)).text
    order = [text.index(words) for words in ("Not proven", "net Sharpe", "Price and trades", "Profiles side by side")]
    assert order == sorted(order)


def test_every_part_that_was_promised_is_there(run):
    text = Page(page(run)).text
    for words in (
        "Equity against buy-and-hold",
        "How trades ended",
        "Do the forecasts know anything?",
        "Over the base rate",
        "Reliability",
        "Fold by fold",
        "What the importer repaired",
        "rows repeated an earlier time stamp",
        "Assumptions",
        "Where one bar touches both barriers",
        "an edge of the kind that these barriers express, below a net Sharpe of 1.98",
        "12 trials",
        "Never fired: the highest confidence it saw was 0.614.",
        "TradingView Lightweight Charts™",
        "profit_total",
        "taker_bps",
    ):
        assert words in text, words


@pytest.mark.parametrize("is_development", [True, False])
def test_development_data_is_confessed_only_where_it_was_used(run, is_development):
    market = run.metrics.to_json()["market"] | {"is_development": is_development}
    text = Page(page(changed(run, metrics={"market": market}))).text
    assert ("in-sample at the level of design" in text) == is_development


def test_an_opened_lockbox_is_said(run):
    assert "The lock-box was opened" not in page(run)
    own = run.verdict.to_json()["profiles"]["AUDITED"] | {"sentence": "AUDITED lost money on the last fifth."}
    box = own | {"profile": "AUDITED", "n_other_openings": 0, "detectable_sharpe": 3.1}
    assert "AUDITED lost money on the last fifth." in page(changed(run, verdict={"lockbox": box}))


def test_names_from_outside_cannot_become_markup(make_run):
    hostile = "</script><img src=x onerror=alert(1)>"
    text = render(make_run(400, (hostile,))).read_text()
    assert "img" not in Page(text).tags
    assert Page(text).tags.count("script") == 3


def test_a_run_with_nothing_in_it_says_so_in_words(tmp_path):
    empty = StoredRun(example.write_example(tmp_path))
    for table in TABLES:
        if "experiment" in table.kinds:
            table.empty.write_parquet(empty.folder / table.file)
    text = Page(page(empty)).text
    for words in ("No verdict", "No profile was compared", "kept no bars", "No equity curve", "No trades, so no exits"):
        assert words in text, words


def test_no_single_null_breaks_the_page(make_run):
    """It is shown as unknown, or refused in a sentence where it can never be."""
    run = StoredRun(make_run(300))
    short = changed(run, bars=run.table(BARS).head(30))
    shown, refused = set(), set()
    for part in ("manifest", "verdict", "metrics"):
        content = json.loads((run.folder / f"{part}.json").read_text())
        for key in sorted(keys(content)):
            try:
                assert "</html>" in page(changed(short, **{part: nulled(content, key)})), key
                shown.add(key)
            except DataError:
                refused.add(key)
    assert {"p", "upper_bound", "value", "high", "gain_millinats", "chosen", "labels", "skill", "over_base"} <= shown
    assert {"fingerprint", "folds", "symbols"} <= refused


def test_a_hundred_thousand_candles_stay_below_eight_megabytes(make_run):
    assert render(make_run(100_000)).stat().st_size < 8e6


def test_numbers_for_the_charts_are_json_without_nan(run):
    text = page(run)
    data = re.search('id="run-data">(.*?)</script>', text, flags=re.S).group(1)
    parsed = json.loads(data, parse_constant=lambda name: pytest.fail(f"{name} in the page's data"))
    assert parsed["profiles"] == ["AUDITED", "EDGE", "SNIPER", "RECKLESS"]


def test_the_library_carries_its_licence_and_notice():
    from importlib.resources import files

    vendored = files("tradsys.report").joinpath("vendor/lightweight-charts")
    assert "Apache License" in vendored.joinpath("LICENSE").read_text()
    assert "https://www.tradingview.com/" in vendored.joinpath("NOTICE").read_text()
    assert "v5.2.1" in vendored.joinpath("lightweight-charts.standalone.production.js").read_text()[:300]


def test_a_run_of_the_first_schema_has_months_groups_trades_and_its_command(run):
    old = changed(run, manifest={"schema": 1, "config": {"costs": run.manifest.config["costs"]}})
    missing = ["funding_quote", "borrow_quote", "ambiguous"]
    pl.read_parquet(old.folder / "trades.parquet").drop(missing).write_parquet(old.folder / "trades.parquet")
    text = Page(page(StoredRun(old.folder))).text
    for words in ("Month by month", "Where the trades earned", "At other costs", "Every trade", "tradsys run"):
        assert words in text


def test_a_question_that_was_not_asked_says_so(run):
    name = "SNIPER"
    verdict = run.verdict.to_json()
    verdict["profiles"][name] |= {"p": None, "p_net": None, "p_skill": None}
    config = dict(run.manifest.config)
    text = Page(page(changed(run, verdict=verdict))).text
    assert "p –" not in text
    assert f"Too few trades or days for a p-value: it takes {config['verdict']['min_trades']} and" in text
