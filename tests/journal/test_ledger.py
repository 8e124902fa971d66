import json
import logging
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from tests.journal.test_trial import trial

from tradsys.core.errors import ConfigError, DataError, LedgerError
from tradsys.core.price_path import PricePath
from tradsys.journal import Ledger


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal" / "ledger.jsonl"


def content(n, blocks=("2024-01", "2024-02"), kind="trial"):
    return {"kind": kind, "profile": f"P{n}", "blocks": list(blocks), "seed": n}


def test_what_is_appended_is_there_at_the_next_opening(path):
    ledger = Ledger(path)
    entries = [ledger.append(content(n)) for n in range(3)]
    again = Ledger(path)
    assert again.entries() == entries
    assert again.head == ledger.head == entries[-1].hash
    assert [entry.prev for entry in entries] == ["0" * 64, entries[0].hash, entries[1].hash]


def test_lines_are_readable_json_with_the_clock_outside_the_content(path):
    Ledger(path).append({**content(1), "note": "größer", "score": np.float64(0.1), "bad": float("nan")})
    line = json.loads(path.read_text())
    assert set(line) == {"hash", "prev", "at", "content"}
    assert line["content"] == {**content(1), "note": "größer", "score": 0.1, "bad": None}


def test_the_same_content_is_written_once_also_by_another_writer(path):
    first = Ledger(path)
    other = Ledger(path)
    entry = first.append(content(1))
    assert other.append(dict(reversed(content(1).items()))) == entry
    assert len(path.read_text().splitlines()) == 1


def test_entries_of_a_kind(path):
    ledger = Ledger(path)
    ledger.append(content(1))
    opened = ledger.append(content(2, kind="lockbox"))
    assert ledger.entries("lockbox") == [opened]
    assert [entry.content["seed"] for entry in ledger.entries("trial")] == [1]


def test_a_ledger_nobody_wrote_to_is_empty_and_leaves_no_file(path):
    ledger = Ledger(path)
    assert ledger.entries() == []
    assert ledger.head == "0" * 64
    assert not path.parent.exists()


class TestData:
    def test_trials_on_data_share_at_least_one_month(self, path):
        ledger = Ledger(path)
        ledger.append(content(1, blocks=("a", "b")))
        ledger.append(content(2, blocks=("b", "c")))
        ledger.append(content(3, blocks=("z",)))
        ledger.append(content(4, blocks=("a",), kind="lockbox"))
        assert [entry.content["seed"] for entry in ledger.trials_on(["b"])] == [1, 2]
        assert [entry.content["seed"] for entry in ledger.trials_on(["a", "z"])] == [1, 3]
        assert [entry.content["seed"] for entry in ledger.entries_on(["a"])] == [1, 4]

    def test_the_head_for_some_data_ignores_other_markets_the_order_and_the_clock(self, path, tmp_path, monkeypatch):
        one, other = Ledger(path), Ledger(tmp_path / "other" / "ledger.jsonl")
        for n in (1, 2):
            one.append(content(n, blocks=("btc",)))
        for n in (2, 9, 1):
            other.append(content(n, blocks=("eth",) if n == 9 else ("btc",)))
        assert one.head_for(["btc"]) == other.head_for(["btc"])
        assert one.head != other.head
        before = one.head_for(["btc"])
        one.append(content(3, blocks=("btc", "eth")))
        assert one.head_for(["btc"]) != before
        assert Ledger(tmp_path / "no" / "x").head_for(["btc"]) == Ledger(tmp_path / "no" / "x").head_for(["eth"])


class TestTrials:
    def test_a_trials_series_is_stored_beside_the_ledger_and_named_in_its_entry(self, path):
        ledger = Ledger(path)
        one = trial()
        entry = ledger.append_trial({"profile": "SNIPER", "blocks": ["a"]}, one)
        assert entry.content["kind"] == "trial"
        assert entry.content["n_trades"] == 17
        stored = Ledger(path).load_trial(entry.content["series"])
        assert stored.digest == one.digest
        assert [file.name for file in (path.parent / "trials").iterdir()] == [f"{one.digest}.safetensors"]

    def test_an_identical_rerun_appends_nothing(self, path):
        for _ in range(2):
            Ledger(path).append_trial({"profile": "SNIPER", "blocks": ["a"]}, trial())
        assert len(Ledger(path).entries()) == 1

    def test_earlier_trials_come_once_each_without_the_runs_own(self, path):
        ledger = Ledger(path)
        for n in range(4):
            ledger.append_trial({"profile": "SNIPER", "blocks": ["a"], "seed": n}, trial(seed=n % 3))
        ledger.append({"kind": "trial", "blocks": ["a"], "note": "known by number only"})
        ledger.append_trial({"profile": "SNIPER", "blocks": ["elsewhere"]}, trial(seed=9))
        earlier = ledger.earlier(["a"], but={trial(seed=0).digest})
        assert {one.digest for one in earlier.series} == {trial(seed=1).digest, trial(seed=2).digest}
        assert earlier.n_counted == 1

    def test_delayed_returns_join_a_trial_that_had_none_and_it_counts_once(self, path):
        ledger, old = Ledger(path), trial()
        ledger.append_trial(content(1), old)
        late = replace(old, delayed=old.daily / 2)
        entry = ledger.append_trial(content(1), late)
        assert entry.content["delayed"] == late.delayed_digest
        assert ledger.n_trials_on(["2024-01"]) == 1
        assert (ledger.load_trial(old.digest).delayed == late.delayed).all()
        ledger.append_trial(content(2), old)
        assert ledger.load_trial(old.digest).delayed is not None

    def test_delayed_returns_that_no_run_has_entered_are_an_error(self, path):
        ledger, late = Ledger(path), trial()
        late = replace(late, delayed=late.daily / 2)
        entry = ledger.append_trial(content(1), late)
        file = path.parent / "trials" / f"{entry.content['series']}.safetensors"
        file.write_bytes(replace(late, delayed=late.daily).to_bytes())
        with pytest.raises(LedgerError, match="delayed returns that no run has entered"):
            ledger.load_trial(late.digest)

    def test_a_trial_whose_file_is_gone_still_counts(self, path):
        ledger = Ledger(path)
        ledger.append_trial({"blocks": ["a"]}, trial())
        (path.parent / "trials" / f"{trial().digest}.safetensors").unlink()
        assert ledger.earlier(["a"]).n_counted == 1
        with pytest.raises(LedgerError, match="is not a trial's series"):
            ledger.load_trial(trial().digest)

    @pytest.mark.parametrize("damage", [b"", b"no safetensors at all", trial(seed=5).to_bytes()])
    def test_a_changed_series_is_an_error(self, path, damage):
        ledger = Ledger(path)
        ledger.append_trial({"blocks": ["a"]}, trial())
        (path.parent / "trials" / f"{trial().digest}.safetensors").write_bytes(damage)
        with pytest.raises(LedgerError, match="restore it from a copy"):
            ledger.earlier(["a"])


class TestBrokenChain:
    @pytest.fixture
    def lines(self, path):
        ledger = Ledger(path)
        for n in range(4):
            ledger.append(content(n))
        return path.read_text().splitlines(keepends=True)

    @pytest.mark.parametrize(
        ("number", "change"),
        [
            (2, lambda lines: [lines[0], lines[1].replace('"seed":1', '"seed":7'), *lines[2:]]),
            (3, lambda lines: [*lines[:2], lines[3]]),
            (2, lambda lines: [lines[0], lines[2], lines[1], lines[3]]),
            (1, lambda lines: lines[1:]),
            (3, lambda lines: [*lines[:2], lines[1], *lines[2:]]),
            (4, lambda lines: [*lines[:3], lines[3].replace('"at":"20', '"at":"19')]),
            (2, lambda lines: [lines[0], "garbage\n", *lines[1:]]),
            (2, lambda lines: [lines[0], "\n", *lines[1:]]),
            (1, lambda lines: ["[]\n", *lines]),
        ],
        ids=["changed", "removed", "swapped", "beheaded", "doubled", "clock", "garbage", "blank", "no entry"],
    )
    def test_any_change_names_the_first_line_that_does_not_fit(self, path, lines, number, change):
        path.write_text("".join(change(lines)))
        with pytest.raises(LedgerError, match=f"line {number} "):
            Ledger(path)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda line: line.replace('"at":', '"at":"2020","at":', 1), "the key 'at' stands twice"),
            (lambda line: line.replace('"seed":', '"seed":9,"seed":', 1), "the key 'seed' stands twice"),
            (lambda line: line.replace('"at":', '"note":"mine","at":', 1), "it has 'note' beside hash, prev, at"),
            (lambda line: line.replace('"at":', '"when":', 1), "it has 'when' beside"),
            (lambda line: '{"hash":"a"}\n', "it lacks 'prev'"),
            (lambda line: '"text"\n', "it holds no object but str"),
            (lambda line: "[" * 100_000 + "]" * 100_000 + "\n", "nested too deeply"),
            (lambda line: line.replace('"seed":1', '"seed":"\udcff"'), "codec can't decode"),
        ],
        ids=[
            "key twice",
            "content's key twice",
            "key added",
            "key renamed",
            "keys missing",
            "text",
            "deep",
            "not UTF-8",
        ],
    )
    def test_what_a_line_has_beyond_its_fields_is_named(self, path, lines, change, said):
        lines[1] = change(lines[1])
        path.write_bytes("".join(lines).encode(errors="surrogateescape"))
        with pytest.raises(LedgerError, match=f"line 2 is not a ledger entry.*{said}"):
            Ledger(path)

    def test_a_ledger_that_shrank_while_it_was_open_is_noticed(self, path, lines):
        ledger = Ledger(path)
        path.write_text("".join(lines[:2]))
        with pytest.raises(LedgerError, match="has lost"):
            ledger.append(content(9))


class TestPlaces:
    def test_a_folder_is_no_ledger(self, tmp_path):
        with pytest.raises(LedgerError, match="cannot be a ledger"):
            Ledger(tmp_path)

    def test_a_ledger_lies_in_a_folder(self, tmp_path):
        (tmp_path / "journal").write_text("")
        with pytest.raises(LedgerError, match="is a file, wanted the folder of a ledger"):
            Ledger(tmp_path / "journal" / "ledger.jsonl")

    def test_text_that_is_not_utf_8_is_refused_and_nothing_written(self, path):
        ledger = Ledger(path)
        with pytest.raises(ConfigError, match="keeps text as UTF-8"):
            ledger.append({"kind": "hypothesis", "text": "gr\udcfcn"})
        assert ledger.entries() == []
        assert not path.exists()

    def test_content_that_is_nested_too_deeply_is_refused(self, path):
        deep: list = []
        for _ in range(20_000):
            deep = [deep]
        with pytest.raises(DataError, match="levels deep"):
            Ledger(path).append({"kind": "note", "deep": deep})


class TestCrash:
    @pytest.mark.parametrize("kept", [1, 30, -2])
    def test_a_cut_off_line_is_dropped_logged_and_written_over(self, path, kept, caplog):
        ledger = Ledger(path)
        ledger.append(content(0))
        whole = path.read_bytes()
        ledger.append(content(1))
        path.write_bytes(whole + path.read_bytes()[len(whole) :][:kept])
        with caplog.at_level(logging.WARNING):
            repaired = Ledger(path)
        assert "that a crash cut off" in caplog.text
        assert path.read_bytes() == whole
        repaired.append(content(2))
        assert [entry.content["seed"] for entry in Ledger(path).entries()] == [0, 2]

    def test_a_whole_last_line_without_its_newline_is_kept(self, path, caplog):
        ledger = Ledger(path)
        entries = [ledger.append(content(n)) for n in range(2)]
        written = path.read_bytes()
        path.write_bytes(written[:-1])
        with caplog.at_level(logging.WARNING):
            again = Ledger(path)
        assert "lacked its newline" in caplog.text
        assert again.entries() == entries
        assert path.read_bytes() == written
        again.append(content(2))
        assert [entry.content["seed"] for entry in Ledger(path).entries()] == [0, 1, 2]

    @pytest.mark.parametrize("whole", ['{"a": 1}', "[]", "7"])
    def test_a_whole_last_line_that_does_not_fit_is_an_error_and_stays(self, path, whole):
        Ledger(path).append(content(0))
        written = path.read_text() + whole
        path.write_text(written)
        with pytest.raises(LedgerError, match="line 2 is not a ledger entry"):
            Ledger(path)
        assert path.read_text() == written

    def test_killing_a_writer_loses_at_most_the_line_being_written(self, path):
        script = (
            "import itertools, sys; from tradsys.journal import Ledger\n"
            "ledger = Ledger(sys.argv[1])\n"
            "for n in itertools.count():\n"
            "    ledger.append({'kind': 'trial', 'n': n}); print(n, flush=True)\n"
        )
        writer = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)
        with writer:
            said = [int(writer.stdout.readline()) for _ in range(25)]
            os.kill(writer.pid, signal.SIGKILL)
            said += [int(line) for line in writer.stdout.read().split()]
        numbers = [entry.content["n"] for entry in Ledger(path).entries()]
        assert numbers[: len(said)] == said
        assert len(numbers) <= len(said) + 1

    def test_many_writers_killed_in_the_middle_of_a_write_leave_a_whole_chain(self, path):
        """Large lines, so that a kill often falls into one; each next start repairs and goes on."""
        script = (
            "import os, random, signal, sys, time; from tradsys.journal import Ledger\n"
            "path, pad = sys.argv[1], 'x' * 400_000\n"
            "Ledger(path); rng = random.Random(0)\n"
            "for k in range(30):\n"
            "    read, write = os.pipe()\n"
            "    if not (child := os.fork()):\n"
            "        ledger = Ledger(path)\n"
            "        os.write(write, b'ready')\n"
            "        for n in range(10_000):\n"
            "            ledger.append({'kind': 'trial', 'writer': k, 'n': n, 'pad': pad})\n"
            "            os.write(write, b'%d %d\\n' % (k, n))\n"
            "    os.close(write)\n"
            "    os.read(read, 5)\n"
            "    time.sleep(0.05 * rng.random())\n"
            "    os.kill(child, signal.SIGKILL); os.waitpid(child, 0)\n"
            "    print(os.read(read, 1 << 16).decode(), end=''); os.close(read)\n"
        )
        done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
        said = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
        written = [(entry.content["writer"], entry.content["n"]) for entry in Ledger(path).entries()]
        assert len(said) > 3
        assert [one for one in written if one in set(said)] == said
        lost = [(entry.content["writer"], entry.content["n"]) for entry in Ledger(path).lost]
        unsaid = [one for one in (*written, *lost) if one not in set(said)]
        assert len({writer for writer, _ in unsaid}) == len(unsaid), "at most one line a writer was on its way"


def test_concurrent_writers_lose_nothing_and_share_what_is_the_same(path):
    script = (
        "import sys; from tradsys.journal import Ledger\n"
        "ledger = Ledger(sys.argv[1])\n"
        "for i in range(15):\n"
        "    ledger.append({'kind': 'trial', 'writer': int(sys.argv[2]), 'i': i})\n"
        "    ledger.append({'kind': 'trial', 'shared': i})\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", script, str(path), str(w)]) for w in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    contents = [entry.content for entry in Ledger(path).entries()]
    assert sorted((c["writer"], c["i"]) for c in contents if "i" in c) == [(w, i) for w in range(3) for i in range(15)]
    assert sorted(c["shared"] for c in contents if "shared" in c) == list(range(15))


class TestSameMarketStoredOtherwise:
    """Months are told by hashes of exact closes; the path of prices tells a market whose bars were changed a little."""

    @pytest.fixture
    def bars(self):
        n = 24 * 70
        close = 100 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.006, n)))
        ts = pl.datetime_range(
            datetime(2024, 1, 1, tzinfo=UTC), interval="1h", eager=True, end=datetime(2024, 3, 10, 23, tzinfo=UTC)
        )
        return pl.DataFrame({"ts": ts.cast(pl.Datetime("ms", "UTC")), "close": close})

    def kept(self, ledger, bars, n):
        path = PricePath.of(bars, 3_600_000)
        ledger.keep_paths([path])
        return ledger.append(content(n, blocks=[f"months of {n}", path.block])), [path.block]

    def test_counts_the_trials_of_each(self, path, bars):
        ledger = Ledger(path)
        later = bars.with_columns(pl.col("ts") + pl.duration(hours=1))
        rounded = bars.with_columns(pl.col("close").round(1))
        for n, stored in enumerate((bars, later, rounded)):
            _, blocks = self.kept(ledger, stored, n)
        assert ledger.n_trials_on(blocks) == 3
        assert Ledger(path).n_trials_on(blocks) == 3

    def test_does_not_count_another_market(self, path, bars):
        ledger = Ledger(path)
        self.kept(ledger, bars, 0)
        other = bars.with_columns(
            pl.Series("close", 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.006, len(bars)))))
        )
        _, blocks = self.kept(ledger, other, 1)
        assert ledger.n_trials_on(blocks) == 1

    def test_a_path_that_is_gone_leaves_the_months(self, path, bars, caplog):
        ledger = Ledger(path)
        entry, _ = self.kept(ledger, bars, 0)
        _, blocks = self.kept(ledger, bars.with_columns(pl.col("close").round(1)), 1)
        for file in (path.parent / "paths").iterdir():
            file.unlink()
        with caplog.at_level(logging.WARNING):
            assert Ledger(path).n_trials_on(blocks) == 1
        assert "recognised by its exact months alone" in caplog.text
        assert Ledger(path).entries_on(["months of 0"]) == [entry]

    def test_a_changed_path_is_refused(self, path, bars):
        ledger = Ledger(path)
        self.kept(ledger, bars, 0)
        _, blocks = self.kept(ledger, bars.with_columns(pl.col("close").round(1)), 1)
        first, second = sorted((path.parent / "paths").iterdir())
        first.write_bytes(second.read_bytes())
        with pytest.raises(LedgerError, match="holds another path than its name says"):
            Ledger(path).n_trials_on(blocks)
