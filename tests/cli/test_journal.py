"""The journal as a person keeps it, over a finished run."""

import json
import shutil

import pytest

from tradsys.cli.app import main

QUICK = ["--agent", "logistic", "--set", "regimes.n_starts=2"]


@pytest.fixture
def workplace(finished, small_market, tmp_path, monkeypatch):
    """A folder of its own with the finished run, its ledger and its bars."""
    shutil.copytree(finished[2] / "journal", tmp_path / "journal")
    shutil.copytree(finished[0].folder, tmp_path / "runs" / "first")
    shutil.copy(small_market.sources[0], tmp_path / "EDGE-1h.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys, *args):
    """What a command prints as JSON."""
    capsys.readouterr()
    assert main(["journal", *args, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def shown(capsys, *args):
    capsys.readouterr()
    assert main(["journal", *args]) == 0
    return capsys.readouterr().out


def test_an_empty_journal_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert "0 entries" in shown(capsys)
    assert said(capsys)["markets"] == []


def test_shows_what_was_tried_and_what_came_of_it(workplace, capsys):
    page = shown(capsys)
    for words in ("EDGE 1h  (4 trials counted; ledger head", "champion: none yet", "SNIPER: not proven, net Sharpe"):
        assert words in page
    (market,) = said(capsys)["markets"]
    assert market["n_trials"] == 4
    assert set(market["ideas"][0]["results"]) == {"SNIPER", "AUDITED", "RECKLESS", "EDGE"}


def test_what_differs_from_the_defaults_stands_in_the_line_and_on_the_page(workplace, capsys):
    differs = "seed 0; folds.path_groups=4, regimes.n_starts=2"
    assert differs in shown(capsys)
    assert main(["journal", "render"]) == 0
    assert differs in (workplace / "journal" / "journal.md").read_text()
    (idea,) = said(capsys)["markets"][0]["ideas"]
    assert idea["changed"] == {"folds.path_groups": 4, "regimes.n_starts": 2}


def test_a_hypothesis_is_tied_to_the_run_that_follows(workplace, capsys):
    name = said(capsys, "add", "--market", "EDGE 1h", "--hypothesis", "momentum", "--expect", "gain > 0")["hypothesis"]
    assert "momentum" in shown(capsys)
    before = len((workplace / "journal" / "ledger.jsonl").read_text().splitlines())
    assert main(["run", "--bars", "EDGE-1h.parquet", "--hypothesis", name[:8], *QUICK]) == 0
    assert len((workplace / "journal" / "ledger.jsonl").read_text().splitlines()) > before
    ideas = said(capsys)["markets"][0]["ideas"]
    assert name in [guess["name"] for idea in ideas for guess in idea["guesses"]]
    assert all(idea["kind"] == "run" for idea in ideas)


def test_a_market_may_be_named_by_its_bars(workplace, capsys):
    added = said(capsys, "add", "--market", "EDGE-1h.parquet", "--hypothesis", "it mean-reverts")
    assert added["market"] == "EDGE 1h"


def test_a_decision_holds_until_the_next_one(workplace, capsys):
    for verb in ("adopted", "negative"):
        assert main(["journal", "decide", "first", verb, "--why", "it is so"]) == 0
    (idea,) = said(capsys)["markets"][0]["ideas"]
    assert idea["decision"]["decision"] == "negative"
    assert "(negative)" in shown(capsys)


def test_the_same_decision_twice_is_written_once(workplace, capsys):
    ledger = workplace / "journal" / "ledger.jsonl"
    assert main(["journal", "decide", "last", "rejected", "--why", "noise"]) == 0
    once = ledger.read_bytes()
    assert main(["journal", "decide", "last", "rejected", "--why", "noise"]) == 0
    assert ledger.read_bytes() == once


def test_render_writes_the_same_page_from_the_same_ledger(workplace, capsys):
    assert main(["journal", "render"]) == 0
    first = (workplace / "journal" / "journal.md").read_text()
    assert main(["journal", "render", "--out", "elsewhere/page.md"]) == 0
    assert (workplace / "elsewhere" / "page.md").read_text() == first
    assert first.startswith("# Journal\n")
    assert "## EDGE 1h" in first


def test_promote_says_whether_there_is_a_new_champion_and_why(workplace, capsys):
    made = said(capsys, "promote", "first", "--profile", "edge")
    assert (made["is_champion"], made["standing"]) == (True, "candidate")
    assert "champion: EDGE of run" in shown(capsys)
    assert "no change" in shown(capsys, "promote", "first", "--profile", "edge")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["add", "--market", "EDG 1h", "--hypothesis", "x"], "did you mean 'EDGE 1h'?"),
        (["add", "--market", "EDGE 1h", "--hypothesis", " "], "a hypothesis needs words"),
        (["decide", "first", "adopted", "--why", ""], "a decision needs its reason"),
        (["decide", "nothing", "adopted", "--why", "x"], "no run or failure or hypothesis in"),
        (["decide", "first", "addopted", "--why", "x"], "addopted"),
        (["--market", "nowhere"], "the ledger knows no market 'nowhere'"),
        (["promote", "first", "--profile", "snipper"], "did you mean SNIPER?"),
    ],
)
def test_a_mistake_is_named_and_writes_nothing(workplace, capsys, args, message):
    before = (workplace / "journal" / "ledger.jsonl").read_bytes()
    assert main(["journal", *args]) == 2
    assert message in capsys.readouterr().err
    assert (workplace / "journal" / "ledger.jsonl").read_bytes() == before


def test_compare_says_what_has_lapsed_and_as_stored_needs_no_ledger(workplace, capsys):
    folder = workplace / "runs" / "first"
    verdict = json.loads((folder / "verdict.json").read_text())
    verdict["profiles"]["EDGE"]["verdict"] = "proven"
    verdict["ledger_head"] = "0" * 64
    (folder / "verdict.json").write_text(json.dumps(verdict))
    assert main(["compare"]) == 0
    page = capsys.readouterr().out
    assert 'EDGE: its "proven" has lapsed; it is not proven now that 4 trials count' in page
    shutil.rmtree(workplace / "journal")
    assert main(["compare"]) == 1
    assert "--as-stored" in capsys.readouterr().err
    assert main(["compare", "--as-stored"]) == 0
    assert "lapsed" not in capsys.readouterr().out


def test_lost_lines_are_told_counted_and_written_again(workplace, capsys, caplog):
    ledger = workplace / "journal" / "ledger.jsonl"
    whole = ledger.read_text()
    ledger.write_text("".join(whole.splitlines(keepends=True)[:1]))
    for command in (["journal"], ["compare"]):
        caplog.clear()
        assert main(command) == 0
        assert "lacks lines that were written: 3 trials of run" in caplog.text
    assert "3 lost lines written again" in shown(capsys, "restore")
    assert "(4 trials counted" in shown(capsys)
    assert said(capsys, "restore") == {"restored": [], "left": 0}


def test_another_journal_is_merged_and_its_trials_count(workplace, capsys):
    n_entries = len((workplace / "journal" / "ledger.jsonl").read_text().splitlines())
    first = said(capsys, "merge", "journal", "--journal", "other")
    assert first == {"n_added": n_entries, "n_counted": 4, "n_known": 0}
    assert f"0 entries added, 0 of which may count as trials; {n_entries} known already" in shown(
        capsys, "merge", "journal", "--journal", "other"
    )
    assert "(4 trials counted" in shown(capsys, "--journal", "other")
