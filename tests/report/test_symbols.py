"""A pooled run shows each symbol with what its numbers rest on; a run of one symbol has no such table."""

from tests.report.conftest import changed
from tests.report.test_page import Page

from tradsys.report.page import page
from tradsys.report.symbols import symbol_rows

GAIN = {"value": 0.52, "low": -0.1, "high": 1.1, "n": 900, "n_blocks": 30, "block_bars": 24, "smallest_visible": 0.4}
NET = {"value": -0.00031, "low": -0.0007, "high": 0.0001, "n": 41}


def pooled(run):
    metrics = run.metrics.to_json()
    traded = {"symbol": "BBB", "n_trades": 41, "net": NET, "gross": NET | {"value": 0.0006}, "profit_abs": -3.0}
    idle = traded | {"symbol": "AAA", "n_trades": 0}
    profiles = {name: own | {"symbols": [idle, traded]} for name, own in metrics["profiles"].items()}
    skill = [{"symbol": "AAA", "n": 900, "over_base": GAIN}, {"symbol": "BBB", "n": 0, "over_base": None}]
    return changed(run, metrics={"profiles": profiles, "skill": metrics["skill"] | {"symbols": skill}})


def test_each_symbol_has_its_skill_and_each_profiles_trades(run):
    first, second = symbol_rows(pooled(run).metrics, ["EDGE"])
    assert (first.symbol, first.skill.value, first.skill.interval, first.skill.n) == (
        "AAA",
        "+0.52",
        "−0.10 to +1.10",
        "900",
    )
    assert first.profiles[0].value == "no trades"
    (cell,) = second.profiles
    assert (cell.value, cell.n, cell.more) == ("−3.10", "41", "before costs +6.00")


def test_the_page_has_the_table_where_there_are_several_symbols_alone(run):
    assert "Symbol by symbol" not in page(run)
    text = Page(page(pooled(run))).text
    assert "Symbol by symbol" in text
    assert "Of 2 symbols looked at one by one" in text
    assert "before costs +6.00" in text


def test_what_was_noticed_stands_apart_from_what_was_repaired(run):
    market = run.metrics.to_json()["market"]
    seen = {"kind": "gaps", "n_rows": 3, "sentence": "a hole", "symbol": "ETHUSDT", "changed": False}
    text = Page(page(changed(run, metrics={"market": market | {"repairs": [*market["repairs"], seen]}}))).text
    assert text.index("rows repeated an earlier time stamp") < text.index("noticed and left as it is")
    assert text.index("noticed and left as it is") < text.index("ETHUSDT, 3 rows") < text.index("a hole")
    assert "noticed and left as it is" not in Page(page(run)).text


def test_a_run_without_a_lockbox_says_so(run):
    market = run.metrics.to_json()["market"] | {"lockbox_from": None}
    assert "none: all of the history is tested" in Page(page(changed(run, metrics={"market": market}))).text


def test_the_highest_forecasts_are_a_sentence(run):
    assert "The top" in Page(page(run)).text
    assert "of long forecasts said" in Page(page(run)).text
