"""Rates, intervals and what they allow to be said."""

from datetime import date

import pytest

from tradsys.core.errors import ConfigError
from tradsys.research.calibration.page import publish_summary, render
from tradsys.research.calibration.rates import Rate, power_formula, power_standing, size_standing, summarise
from tradsys.research.calibration.scenarios import scenario_named

NAMES = ("SNIPER", "AUDITED", "RECKLESS", "EDGE")


def line(cell: str, seed: int, verdicts: str, sharpe: float = 1.0, **more) -> dict:
    """One market; a letter a profile: p proven, r refuted, anything else not proven."""
    words = {"p": "proven", "r": "refuted"}
    profiles = {
        n: {"verdict": words.get(v, "not proven"), "sharpe": sharpe} for n, v in zip(NAMES, verdicts, strict=True)
    }
    shorter = {"200": {n: one["verdict"] for n, one in profiles.items()}}
    base = {"preset": "fast", "cell": cell, "seed": seed, "code": "a", "n_days": 1095, "silent_folds": 3, "cpu_s": 1.5}
    return base | {"profiles": profiles, "shorter": shorter} | more


def among(own: list[str], any_proven: bool) -> dict:
    return {"among": {str(k): {"any": any_proven, "own": own} for k in (20, 100)}}


def test_the_formula_is_that_of_the_verdict():
    """K = 4 .31/.89/1.00, K = 100 .06/.57/.97 at S = 1, 2, 3 and three years."""
    for n_trials, expected in ((4, (0.31, 0.89, 1.00)), (100, (0.06, 0.57, 0.97))):
        found = tuple(power_formula(s, 1095, n_trials) for s in (1.0, 2.0, 3.0))
        assert found == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize(("k", "n", "said"), [(0, 45, "holds"), (0, 44, "n too small to say"), (30, 200, "fails")])
def test_a_bound_is_claimed_only_where_n_shows_it(k, n, said):
    assert size_standing(Rate.of([True] * k + [False] * (n - k)), 0.08) == said


@pytest.mark.parametrize(("k", "n", "said"), [(98, 100, "holds"), (80, 100, "n too small to say"), (50, 100, "fails")])
def test_power_may_miss_ten_points_and_no_more(k, n, said):
    assert power_standing(Rate.of([True] * k + [False] * (n - k)), 0.89) == said


def test_rates_count_markets_and_not_profiles():
    lines = [line("noise", 1, "pp--"), line("noise", 2, "--rr"), line("noise", 3, "----", **among([], True))]
    cell = summarise(lines)["cells"]["noise"]
    assert (cell["proven"]["4"]["k"], cell["proven"]["4"]["n"]) == (1, 3)
    assert (cell["proven"]["20"]["k"], cell["proven"]["20"]["n"]) == (1, 1)
    assert cell["refuted"]["k"] == 1
    assert cell["shorter"]["200"]["proven"]["k"] == 1
    assert cell["silent_share_of_folds"] == 0.5


def test_power_is_that_of_the_runs_own_profiles():
    lines = [line("edge:2", 1, "p---", **among(["SNIPER"], True)), line("edge:2", 2, "p---", **among([], True))]
    cell = summarise(lines)["cells"]["edge:2"]
    assert cell["own_proven"]["100"]["k"] == 1
    assert cell["proven"]["100"]["k"] == 2


def test_only_a_profile_that_earns_is_wrongly_refuted():
    earns, loses = line("edge:1", 1, "r---", sharpe=0.5), line("edge:1", 1, "r---", sharpe=-0.5)
    assert [summarise([x])["cells"]["edge:1"]["wrongly_refuted"]["k"] for x in (earns, loses)] == [1, 0]


def test_edges_are_no_false_proofs():
    summary = summarise([line("noise", 1, "----"), line("bull", 1, "p---"), line("edge:1", 1, "pppp")])
    assert (summary["false_proven"]["k"], summary["false_proven"]["n"]) == (1, 2)


def test_no_markets_give_a_page_without_cells():
    assert summarise([])["cells"] == {}


def test_the_page_says_rates_intervals_n_and_standing():
    page = render(
        summarise([line("noise", i, "----", **among([], False)) for i in range(50)] + [line("edge:1", 1, "p---")])
    )
    assert "| noise | 0.0% [0.0%, 7.1%], n = 50 |" in page
    assert "| 8% | holds |" in page
    assert "(31%)" in page


def test_publishing_keeps_the_other_preset(tmp_path):
    (tmp_path / "src/tradsys/verdict").mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    (tmp_path / "src/tradsys/verdict/calibration.json").write_text("{}")
    for preset in ("full", "fast"):
        summary = summarise([line("noise", 1, "----") | {"preset": preset}])
        publish_summary(summary, tmp_path, today=date(2026, 1, 2))
    page = (tmp_path / "docs/calibration.md").read_text()
    assert page.index("## The fast preset: 1 markets, 2026-01-02") < page.index("## The full preset")


def test_publishing_elsewhere_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="root of the source tree"):
        publish_summary(summarise([]), tmp_path, today=date(2026, 1, 2))


def test_a_mistyped_cell_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean noise-free"):
        scenario_named("noise-fre")
