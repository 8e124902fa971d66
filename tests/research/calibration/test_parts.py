"""Three parts of a calibration, one of them killed and resumed, are the whole."""

import hashlib
import itertools
import json
from pathlib import Path

import pytest

from tradsys.cli.app import main
from tradsys.research.calibration import monte_carlo
from tradsys.research.calibration.monte_carlo import ResultsFile
from tradsys.research.calibration.parts import CalibrationPlan
from tradsys.research.parts.part import Part

ASKED = ["calibrate", "--markets", "4", "--cell", "noise", "--cell", "edge:2", "--processes", "1"]


class Killed(BaseException):
    """The machine is gone."""


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Markets that cost nothing, on a machine that takes another time for each and is gone when `left` is used up."""
    clock, left, code = itertools.count(1), [10_000], ["v1"]

    def tried(replication, plan=None):
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        drawn = hashlib.sha256(f"{replication.scenario} {replication.seed}".encode()).digest()[0] / 256
        profile = {"verdict": "not proven", "sharpe": drawn}
        own = {"code": code[0], "n_days": 1095, "silent_folds": 0, "shorter": {"200": {}}}
        return {**replication.to_dict(), **own, "profiles": {"SNIPER": profile}, "cpu_s": next(clock) / 8}

    monkeypatch.setattr(monte_carlo, "replicate", tried)
    monkeypatch.chdir(tmp_path)
    return {"left": left, "code": code}


def make_parts(*parts: str) -> list[str]:
    for k, part in enumerate(parts):
        assert main([*ASKED, "--part", part, "--out", f"part{k}"]) == 0
    return [f"part{k}" for k in range(len(parts))]


def lines(path: str) -> list[dict]:
    """What lies there, but for the time that it took."""
    return [{k: v for k, v in one.items() if k != "cpu_s"} for one in ResultsFile(Path(path)).read()]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_every_market_is_one_parts(n):
    plan = CalibrationPlan("fast", 6, ("noise", "bull"), 3)
    shared = [one for part in Part(1, n).others for one in plan.of_part(part)]
    assert sorted(shared, key=repr) == sorted(plan.replications, key=repr)


def test_three_parts_are_the_whole(machine, capsys):
    assert main([*ASKED, "--out", "whole"]) == 0
    folders = make_parts("1/3", "2/3", "3/3")
    shown = capsys.readouterr().out
    assert "part 3/3: all of its" in shown and "tradsys merge part2" in shown
    assert main(["merge", *folders, "--out", "merged"]) == 0
    assert (
        "go on with: tradsys calibrate --markets 4 --cell noise --cell edge:2 --out merged" in capsys.readouterr().out
    )
    assert lines("merged/fast.jsonl") == lines("whole/fast.jsonl")
    assert len(lines("whole/fast.jsonl")) == 8
    assert main([*ASKED, "--out", "merged", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n_markets"] == 8


def test_but_for_the_clock_every_byte_is_the_same_and_in_any_order(machine, monkeypatch):
    good = monte_carlo.replicate
    monkeypatch.setattr(monte_carlo, "replicate", lambda *a, **k: {**good(*a, **k), "cpu_s": 1.0})
    assert main([*ASKED, "--out", "whole"]) == 0
    folders = make_parts("3/3", "1/3", "2/3")
    for k, some in enumerate(itertools.permutations(folders)):
        assert main(["merge", *some, "--out", f"merged{k}"]) == 0
        assert Path(f"merged{k}/fast.jsonl").read_bytes() == Path("whole/fast.jsonl").read_bytes()


def test_a_part_that_was_killed_is_named_resumed_and_then_whole(machine, capsys):
    assert main([*ASKED, "--out", "whole"]) == 0
    folders = make_parts("1/3", "2/3")
    machine["left"][0] = 1
    with pytest.raises(Killed):
        main([*ASKED, "--part", "3/3", "--out", "part2"])
    machine["left"][0] = 100
    with Path("part2/fast.part-3-of-3.jsonl").open("ab") as file:
        file.write(b'{"cell": "noi')  # the line that was being written
    assert main(["merge", *folders, "part2", "--out", "merged"]) == 3
    told = capsys.readouterr().err
    assert "part 3/3 lacks" in told
    command = "tradsys calibrate --markets 4 --cell noise --cell edge:2 --out part2 --part 3/3"
    assert f"go on with `{command}`" in told
    assert not Path("merged").exists()
    assert main([*command.split()[1:], "--processes", "1"]) == 0
    assert 100 - machine["left"][0] < len(lines("part2/fast.part-3-of-3.jsonl"))  # the first market was kept
    assert main(["merge", *folders, "part2", "--out", "merged"]) == 0
    assert lines("merged/fast.jsonl") == lines("whole/fast.jsonl")


def test_a_part_that_nobody_made_is_named(machine, capsys):
    folders = make_parts("1/3", "3/3")
    assert main(["merge", *folders]) == 3
    assert "part 2/3 is missing; make it with `tradsys calibrate --markets 4" in capsys.readouterr().err


def test_parts_in_one_folder_are_merged_there(machine, capsys):
    for part in ("1/2", "2/2"):
        assert main([*ASKED, "--part", part, "--out", "shared"]) == 0
    capsys.readouterr()
    assert main(["merge", "shared", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["n_parts"], told["whole"]) == (2, "shared/fast.jsonl")
    assert len(lines("shared/fast.jsonl")) == 8
    assert main(["merge", "shared"]) == 0  # again: nothing disagrees


def test_parts_of_other_settings_or_code_are_refused(machine, capsys):
    folders = make_parts("1/2")
    assert main([*ASKED, "--markets", "5", "--part", "2/2", "--out", "more"]) == 0
    assert main(["merge", *folders, "more"]) == 2
    assert "not of one study" in capsys.readouterr().err
    machine["code"][0] = "v2"
    assert main([*ASKED, "--part", "2/2", "--out", "newer"]) == 0
    assert main(["merge", *folders, "newer", "--out", "merged"]) == 3
    assert "by 2 versions of the code: v1 in " in capsys.readouterr().err
    assert main(["merge", *folders, "newer", "--out", "merged", "--any-code"]) == 0


def test_a_market_that_came_out_otherwise_is_named(machine, capsys):
    (folder,) = make_parts("1/1")
    path = Path(folder, "fast.part-1-of-1.jsonl")
    Path("copy").mkdir()
    Path("copy", path.name).write_text(path.read_text().replace('"n_days": 1095', '"n_days": 1094', 1))
    Path("copy", "fast.part-1-of-1.json").write_text(Path(folder, "fast.part-1-of-1.json").read_text())
    assert main(["merge", folder, "copy", "--out", "merged"]) == 3
    assert "edge:2 1000000 differs between" in capsys.readouterr().err


def test_a_folder_without_parts_and_a_part_to_be_published_are_refused(machine, capsys, tmp_path):
    assert main(["merge", str(tmp_path)]) == 2
    assert "found none in" in capsys.readouterr().err
    assert main([*ASKED, "--part", "1/2", "--publish", "."]) == 2
    assert "a part is no whole to be published" in capsys.readouterr().err
    assert main([*ASKED, "--part", "3/2"]) == 2
    assert "--part takes K/N" in capsys.readouterr().err


@pytest.mark.slow
def test_real_markets_in_parts_are_those_of_the_whole(tmp_path):
    options = ["calibrate", "--markets", "2", "--cell", "noise", "--rivals-every", "0", "--processes", "1"]
    assert main([*options, "--out", str(tmp_path / "whole")]) == 0
    folders = [str(tmp_path / f"part{k}") for k in (1, 2)]
    for k, folder in enumerate(folders, 1):
        assert main([*options, "--part", f"{k}/2", "--out", folder]) == 0
    assert main(["merge", *folders, "--out", str(tmp_path / "merged")]) == 0
    whole, merged = (lines(str(tmp_path / name / "fast.jsonl")) for name in ("whole", "merged"))
    assert merged == whole and len(whole) == 2


def test_a_part_does_not_go_on_with_markets_that_were_tried_among_other_trials(machine, capsys):
    make_parts("1/3")
    stated = Path("part0/fast.part-1-of-3.json").read_bytes()
    assert main([*ASKED, "--rivals-every", "1", "--part", "1/3", "--out", "part0"]) == 2
    assert "tried with another --rivals-every; take that again, or another folder" in capsys.readouterr().err
    assert Path("part0/fast.part-1-of-3.json").read_bytes() == stated
    assert main([*ASKED, "--part", "1/3", "--out", "part0"]) == 0
