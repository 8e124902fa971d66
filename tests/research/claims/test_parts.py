"""Parts of the claims fit their share of the networks; merged, they are what one machine would have fitted."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tradsys.cli.app import main
from tradsys.core.errors import DataError
from tradsys.data.market import load_market
from tradsys.journal.ledger import Ledger
from tradsys.research.claims.cache import ResultCache
from tradsys.research.claims.parts import FitPlan, fit_part
from tradsys.research.claims.run import run_claims
from tradsys.research.claims.variants import BCE, SUPCON, quick_agents
from tradsys.research.parts.part import Part
from tradsys.research.parts.stated import StatedPart, TypedCommand
from tradsys.research.studies import merge_studies
from tradsys.settings.config import RunConfig


@pytest.mark.parametrize("n", [1, 3, 5])
def test_each_fit_is_one_parts_and_a_groups_seeds_stay_together(n):
    plan = FitPlan(("bce", "focal"), n_folds=3, n_seeds=5, group=2)
    parts = [plan.pieces(plan.of_part(part)) for part in Part(1, n).others]
    names = [("references", fold) for fold in range(3)]
    names += [(name, fold, seed) for name in ("bce", "focal") for fold in range(3) for seed in range(5)]
    assert sorted(one for own in parts for one in own) == sorted(names)
    groups = [{(name, fold, seed // 2) for name, fold, seed in (x for x in own if len(x) == 3)} for own in parts]
    assert sum(map(len, groups)) == len(set().union(*groups)) == 2 * 3 * 3


@pytest.fixture
def cut(tmp_path):
    """Two parts of a study of two fits, each in a folder of its own."""
    for k, key in enumerate(("bce_0_0", "bce_0_1"), 1):
        cache = ResultCache(tmp_path / f"p{k}" / "0123")
        cache.put({"bce": np.full(3, float(k))}, {"code": "v1", "seconds": k / 7}, "bce", 0, k - 1)
        typed = TypedCommand("tradsys compare --objectives", f"p{k}")
        StatedPart.of("claims", "0123", Part(k, 2), asked=[2], typed=typed, keys=[key], folder=cache.folder).write()
    return tmp_path


def test_pieces_of_all_parts_lie_in_one_cache_and_trades_stay_where_they_were_entered(cut):
    ResultCache(cut / "p1" / "0123").put({}, {"code": "v1"}, "trades", 0)
    (whole,) = merge_studies([cut / "p1", cut / "p2"], cut / "all")
    assert sorted(path.name for path in (cut / "all" / "0123").iterdir()) == [
        "bce_0_0.safetensors",
        "bce_0_1.safetensors",
    ]
    for k, name in enumerate(("bce_0_0", "bce_0_1"), 1):
        file = f"0123/{name}.safetensors"
        assert (cut / "all" / file).read_bytes() == (cut / f"p{k}" / file).read_bytes()
    assert whole.command == f"tradsys compare --objectives --out {cut / 'all'}"


def test_a_fit_that_came_out_otherwise_is_named_but_time_may_differ(cut):
    shutil.copytree(cut / "p1", cut / "copy")
    cache = ResultCache(cut / "copy" / "0123")
    cache.put({"bce": np.full(3, 1.0)}, {"code": "v1", "seconds": 9.0}, "bce", 0, 0)
    merge_studies([cut / "p1", cut / "p2", cut / "copy"], cut / "all")
    cache.put({"bce": np.full(3, 1.5)}, {"code": "v1", "seconds": 9.0}, "bce", 0, 0)
    with pytest.raises(DataError, match="bce_0_0 differs between"):
        merge_studies([cut / "p1", cut / "p2", cut / "copy"], cut / "other")
    assert not (cut / "other").exists()


def test_a_fit_that_is_missing_is_named_with_its_command(cut):
    (cut / "p2" / "0123" / "bce_0_1.safetensors").unlink()
    with pytest.raises(DataError, match=r"part 2/2 lacks 1 of 1 .*\(bce_0_1\).*--objectives --out p2 --part 2/2"):
        merge_studies([cut / "p1", cut / "p2"], cut / "all")


def test_a_part_says_what_it_has_fitted_and_enters_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = ["--bars", "simulated:noise", "--quick", "--seeds", "1", "--folds", "2", "--part", "2/3"]
    assert main(["compare", "--objectives", *options, "--minutes", "0"]) == 0
    assert "part 2/3: 0 of its 5 fits are in claims; the same command goes on" in capsys.readouterr().out
    assert main(["compare", "--objectives", *options, "--minutes", "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"part": "2/3", "n_fits": 0, "of": 5, "folder": "claims"}
    assert not (tmp_path / "journal").exists()
    assert main(["merge", "claims"]) == 3
    told = capsys.readouterr().err
    command = "tradsys compare --objectives --bars simulated:noise --seeds 1 --folds 2 --quick --out claims"
    assert f"go on with `{command} --part 2/3`" in told
    assert f"part 1/3 is missing; make it with `{command} --part 1/3`" in told
    assert main(["compare", "--objectives", *options, "--publish", "."]) == 2


class Killed(BaseException):
    """The machine is gone."""


@pytest.mark.slow
def test_three_parts_one_of_them_killed_and_resumed_are_the_whole(tmp_path, monkeypatch):
    # parts trade nothing, and a whole that trades is tried in test_claims
    monkeypatch.setattr("tradsys.research.claims.run.trade_profiles", lambda *_, **__: None)
    market = load_market(["simulated:edge:3"], seed=1)
    market = replace(market, bars=market.bars.head(9_000))
    config = RunConfig.load(overrides={"folds.n_folds": 2, "folds.initial": 0.4, "labels.horizon": 6})
    agents = {name: agent for name, agent in quick_agents().items() if name in (BCE, SUPCON)}

    def whole(name: str) -> tuple[bytes, list]:
        ledger = Ledger(tmp_path / name / "journal" / "ledger.jsonl")
        run_claims(market, config, agents, root=tmp_path / name, ledger=ledger, seeds=3, is_quick=True)
        (results,) = (tmp_path / name).glob("*/results.json")
        return results.read_bytes(), [entry.content for entry in ledger.entries()]

    def part(k: int, **options) -> tuple[int, int]:
        typed = TypedCommand("tradsys compare --objectives", str(tmp_path / f"part{k}"))
        return fit_part(market, config, agents, part=Part(k, 3), typed=typed, seeds=3, **options)

    def gone(_: str, done: int, __: int) -> None:
        if done == 1:
            raise Killed

    with pytest.raises(Killed):
        part(2, progress=gone)
    done = {k: part(k) for k in (1, 2, 3)}
    assert all(n_there == n_own > 2 for n_there, n_own in done.values())
    merge_studies([tmp_path / f"part{k}" for k in done], tmp_path / "merged")
    assert whole("merged") == whole("whole")
