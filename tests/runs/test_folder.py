import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.runs.example import MANIFEST

from tradsys.core.errors import ConfigError, DataError
from tradsys.core.files import sha256_of
from tradsys.runs import RunFolder, find_run
from tradsys.runs.manifest import SCHEMA


def finished(root, slug, *, age_s=0.0):
    run = RunFolder.create(root, slug)
    run.write_manifest(MANIFEST)
    path = run.finish()
    when = 1_700_000_000 - age_s
    os.utime(path / "manifest.json", (when, when))
    return path


def test_a_run_is_hidden_until_it_is_finished(tmp_path):
    run = RunFolder.create(tmp_path / "runs", "btc-1")
    run.write_json("metrics.json", {})
    assert [path.name[0] for path in (tmp_path / "runs").iterdir()] == ["."]
    path = run.finish()
    assert path == tmp_path / "runs" / "btc-1"
    assert [one.name for one in (tmp_path / "runs").iterdir()] == ["btc-1"]
    assert (path / "metrics.json").read_text() == "{}\n"


def test_a_finished_run_is_never_touched_again(tmp_path):
    paths = []
    for n in range(3):
        run = RunFolder.create(tmp_path, "same")
        run.write_json("n.json", n)
        paths.append(run.finish())
    assert [path.name for path in paths] == ["same", "same-2", "same-3"]
    assert [json.loads((path / "n.json").read_text()) for path in paths] == [0, 1, 2]


def test_a_run_whose_name_is_taken_at_the_last_moment_takes_the_next(tmp_path, monkeypatch):
    run = RunFolder.create(tmp_path, "same")
    run.write_json("n.json", 1)
    (tmp_path / "same").mkdir()
    (tmp_path / "same" / "file").touch()
    monkeypatch.setattr(Path, "exists", lambda path: False)
    assert run.finish().name == "same-2"


@dataclass
class Point:
    x: float
    label: str


def test_json_is_sorted_has_no_nan_and_reads_numpy_times_and_dataclasses(tmp_path):
    run = RunFolder.create(tmp_path, "r")
    value = {
        "b": np.float64(0.1),
        "a": [np.nan, np.inf, -np.inf, np.int64(3), np.bool_(True)],
        "array": np.array([[1.5, np.nan]]),
        "point": Point(0.1 + 0.2, "é"),
        "at": datetime(2024, 1, 2, tzinfo=UTC),
        "span": timedelta(hours=1),
        "path": Path("a/b"),
        "set": {"y", "x"},
        3: None,
    }
    path = run.write_json("x.json", value)
    assert json.loads(path.read_text()) == {
        "3": None,
        "a": [None, None, None, 3, True],
        "array": [[1.5, None]],
        "at": "2024-01-02T00:00:00+00:00",
        "b": 0.1,
        "path": "a/b",
        "point": {"x": 0.30000000000000004, "label": "é"},
        "set": ["x", "y"],
        "span": 3600.0,
    }
    first = path.read_bytes()
    assert run.write_json("y.json", dict(reversed(value.items()))).read_bytes() == first


def test_what_has_no_json_form_is_refused(tmp_path):
    with pytest.raises(DataError, match="object has no JSON form"):
        RunFolder.create(tmp_path, "r").write_json("x.json", {"a": object()})


def test_parquet_bytes_depend_on_the_content_alone(tmp_path):
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "ts": pl.Series(np.arange(200_000) * 3_600_000).cast(pl.Datetime("ms", "UTC")),
            "x": rng.normal(size=200_000),
            "reason": rng.choice(["target", "stop"], 200_000),
        }
    )
    run = RunFolder.create(tmp_path, "r")
    chunked = pl.concat([frame[:777], frame[777:]], rechunk=False)
    paths = [run.write_parquet(f"{n}.parquet", one) for n, one in enumerate((frame, frame.clone(), chunked))]
    assert len({path.read_bytes() for path in paths}) == 1
    assert pl.read_parquet(paths[0]).equals(frame)


def test_the_manifest_lists_the_hash_of_every_file(tmp_path):
    run = RunFolder.create(tmp_path, "r")
    run.write_bytes("bundle/model.onnx", b"weights")
    run.write_json("metrics.json", {"x": 1})
    run.write_manifest(MANIFEST)
    path = run.finish()
    manifest = json.loads((path / "manifest.json").read_text())
    assert (manifest["seed"], manifest["schema"]) == (0, SCHEMA)
    assert set(manifest["files"]) == {"bundle/model.onnx", "metrics.json"}
    assert manifest["files"]["bundle/model.onnx"] == sha256_of(path / "bundle" / "model.onnx")


@pytest.mark.parametrize("slug", ["", ".hidden", "a/b"])
def test_a_run_has_a_plain_visible_name(tmp_path, slug):
    with pytest.raises(ConfigError, match="plain, visible folder name"):
        RunFolder.create(tmp_path, slug)


def test_files_stay_inside_the_run(tmp_path):
    with pytest.raises(ConfigError, match="lies outside the run folder"):
        RunFolder.create(tmp_path, "r").write_json("../x.json", {})


class TestFindRun:
    @pytest.fixture
    def runs(self, tmp_path):
        for age, name in enumerate(["btc-2024-a1", "btc-2024-b2", "eth-2024", "eth-2024-2"]):
            finished(tmp_path, name, age_s=age * 10)
        RunFolder.create(tmp_path, "btc-2024-unfinished")
        (tmp_path / "btc-2024-notes").mkdir()
        return tmp_path

    def test_by_its_name_even_where_that_begins_another(self, runs):
        assert find_run(runs, "eth-2024").name == "eth-2024"

    def test_by_a_beginning_that_only_one_has(self, runs):
        assert find_run(runs, "btc-2024-b").name == "btc-2024-b2"

    def test_the_newest(self, runs):
        assert find_run(runs, "last").name == "btc-2024-a1"

    def test_a_beginning_of_several_names_them(self, runs):
        with pytest.raises(DataError, match="fits 2 runs: btc-2024-a1, btc-2024-b2"):
            find_run(runs, "btc")

    def test_a_wrong_name_gets_the_nearest(self, runs):
        with pytest.raises(DataError, match=r"no run 'btc-2024-b3' among 4 in .*; the nearest is 'btc-2024-b2'"):
            find_run(runs, "btc-2024-b3")

    @pytest.mark.parametrize("there", [True, False])
    def test_no_runs_at_all(self, tmp_path, there):
        root = tmp_path / "runs"
        if there:
            root.mkdir()
        with pytest.raises(DataError, match=r"no finished runs in .*; `tradsys run` makes one"):
            find_run(root, "last")
