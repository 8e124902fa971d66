"""Long work names every part, counts its steps, and says how long the rest of the part takes once one step is done."""

import pytest

from tradsys.cli import progress
from tradsys.cli.progress import Part, reporter
from tradsys.data.market import load_market
from tradsys.data.simulate.market import simulate_universe
from tradsys.journal.ledger import Ledger
from tradsys.research.procedures.ranks import RankProcedure
from tradsys.research.run import run
from tradsys.settings.config import RunConfig


def test_the_time_left_is_that_of_the_steps_before():
    part = Part()
    assert part.left_s(0, 4, now=100.0) is None
    assert part.left_s(1, 4, now=110.0) == 30.0
    assert part.left_s(3, 4, now=160.0) == 20.0
    assert part.left_s(4, 4, now=170.0) is None


@pytest.mark.parametrize(("done", "total"), [(0, 4), (1, 9)])
def test_another_part_knows_nothing_of_the_one_before(done, total):
    part = Part()
    for step in (0, 2, 3):
        part.left_s(step, 4, now=float(step))
    assert part.begins_anew(done, total)
    assert part.left_s(done, total, now=1_000.0) is None
    assert part.left_s(done + 1, total, now=1_060.0) == 60.0 * (total - done - 1)


def test_a_log_has_a_line_a_step(monkeypatch, capsys):
    clock = iter([0.0, 0.0, 60.0, 240.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with reporter() as show:
        show("fold 1 of 3", 0, 3)
        show("fold 2 of 3", 1, 3)
        show("judging", 0, 1)
    assert capsys.readouterr().err.splitlines() == [
        "[   0.0 s] fold 1 of 3 (0/3)",
        "[  60.0 s] fold 2 of 3 (1/3, about 2 min left of this part)",
        "[ 240.0 s] judging (0/1)",
    ]


def test_nothing_of_a_run_is_silent_and_its_last_word_is_finished(tmp_path):
    simulate_universe(6, seed=3, n_bars=24 * 300).write_parquet(tmp_path / "SIX-1h.parquet")
    config = RunConfig().with_settings(
        {"universe.min_listed_days": 1, "verdict.min_days": 30, "verdict.n_bootstrap": 99}
    )
    said = []
    run(
        load_market([tmp_path / "SIX-1h.parquet"]),
        config,
        procedure=RankProcedure.of,
        root=tmp_path / "runs",
        ledger=Ledger(tmp_path / "journal" / "ledger.jsonl"),
        progress=lambda *step: said.append(step),
    )
    assert [what for what, _, _ in said] == [
        "ranking",
        "taking the future away",
        "judging against all that was tried",
        "measuring",
        "writing tables and bundle",
        "writing the report",
        "finished",
    ]
    assert all(0 <= done <= total for _, done, total in said)
