"""Rates, intervals and what they allow to be said."""

from datetime import date

import pytest

from tradsys.core.errors import ConfigError
from tradsys.research.calibration.page import publish_summary, render
from tradsys.research.calibration.rates import MARGIN, Rate, power_formula, power_standing, size_standing, summarise
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


@pytest.mark.parametrize(("k", "n", "said"), [(0, 45, "holds"), (0, 44, "n too small to say"), (24, 290, "fails")])
def test_a_bound_is_claimed_only_where_n_shows_it(k, n, said):
    assert size_standing(Rate.of([True] * k + [False] * (n - k)), 0.05, 0.08) == said


@pytest.mark.parametrize(("k", "n", "said"), [(98, 100, "holds"), (80, 100, "n too small to say"), (50, 100, "fails")])
def test_power_may_miss_ten_points_and_no_more(k, n, said):
    assert power_standing(Rate.of([True] * k + [False] * (n - k)), 0.89 - MARGIN) == said


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


def refusal(cell: str, seed: int) -> dict:
    base = {"preset": "fast", "cell": cell, "seed": seed, "code": "a", "cpu_s": 0.5}
    return base | {"refused": "stamped by its close?", "profiles": {}, "shorter": {}}


def test_a_run_that_refuses_its_bars_is_an_outcome_of_its_own():
    lines = [refusal("misaligned", 1), refusal("misaligned", 2), line("misaligned", 3, "p---")]
    cell = summarise(lines)["cells"]["misaligned"]
    assert (cell["refused"]["k"], cell["refused"]["n"]) == (2, 3)
    assert (cell["proven"]["4"]["k"], cell["proven"]["4"]["n"]) == (1, 3)
    assert cell["n_days"] == 1095
    assert "| misaligned | 33.3% [0.8%, 90.6%], n = 3 | - | 66.7% [9.4%, 99.2%], n = 3 | 8% |" in render(
        summarise(lines)
    )


def test_a_cell_of_refusals_alone_is_a_page_too():
    assert "| misaligned | 0.0% [0.0%, 97.5%], n = 1 | - | 100.0% [2.5%, 100.0%], n = 1 |" in render(
        summarise([refusal("misaligned", 1)])
    )


def test_ranks_are_one_trial_without_folds():
    one = line("stale-ranks", 1, "p---") | {"silent_folds": None}
    one["profiles"] = {"RANK": {"verdict": "proven", "sharpe": 8.0}}
    cell = summarise([one, line("noise", 1, "----")])["cells"]["stale-ranks"]
    assert cell["silent_share_of_folds"] is None
    assert cell["mean_sharpe"] == {"RANK": 8.0}
    assert "| stale-ranks | 1 | - | - | - | - | 8.00 |" in render(summarise([one, line("noise", 1, "----")]))


def test_each_question_is_asked_of_those_who_passed_the_ones_before():
    def market(seed, **p):
        one = line("edge:2", seed, "----")
        one["profiles"] = {"EDGE": {"verdict": "not proven", "sharpe": 1.0, **p}}
        return one

    lines = [
        market(0, p_net=0.01, p_skill=0.01, p_alpha=0.01, kept_late=0.7),
        market(1, p_net=0.01, p_skill=0.01, p_alpha=0.01, kept_late=0.1),
        market(2, p_net=0.01, p_skill=0.01, p_alpha=0.2, kept_late=0.7),
        market(3, p_net=0.01, p_skill=0.2, p_alpha=0.01, kept_late=0.7),
        market(4, p_net=0.2, p_skill=0.01, p_alpha=0.01, kept_late=0.7),
        market(5, p_net=None, p_skill=None, p_alpha=None, kept_late=None),
        market(6, p_net=0.01, p_skill=0.01, p_alpha=0.01, kept_late=0.7, p_late=0.03),
        market(7, p_net=0.01, p_skill=0.01, p_alpha=0.01, kept_late=0.7, p_late=0.2),
    ]
    legs = summarise(lines)["cells"]["edge:2"]["legs"]
    assert [(leg["k"], leg["n"]) for leg in legs.values()] == [(6, 8), (5, 8), (4, 8), (2, 8)]
    older = [market(6, p_net=0.01, p_skill=0.01)]
    assert [leg["n"] for leg in summarise(older)["cells"]["edge:2"]["legs"].values()] == [1, 1, 0, 0]


def test_two_profiles_that_pass_one_question_each_pass_none_together():
    one = line("bull-edge:0", 1, "----")
    one["profiles"] = {
        "A": {"verdict": "not proven", "sharpe": 1.0, "p_net": 0.01, "p_skill": 0.9, "p_alpha": 0.9, "kept_late": 1},
        "B": {"verdict": "not proven", "sharpe": 1.0, "p_net": 0.9, "p_skill": 0.01, "p_alpha": 0.9, "kept_late": 1},
    }
    legs = summarise([one])["cells"]["bull-edge:0"]["legs"]
    assert [leg["k"] for leg in legs.values()] == [1, 0, 0, 0]


def test_proven_until_a_date_is_right_where_the_edge_has_died_and_nowhere_else():
    def market(cell, until):
        one = line(cell, 1, "p---")
        one["profiles"]["SNIPER"]["until"] = until
        return one

    for cell, until, n_false in (
        ("decay", "2022-01-01", 0),
        ("decay", None, 1),
        ("noise", "2022-01-01", 1),
        ("noise", None, 1),
    ):
        summary = summarise([market(cell, until)])
        assert (summary["false_proven"]["k"], summary["cells"][cell]["proven"]["4"]["k"]) == (n_false, n_false)
        assert summary["cells"][cell]["until"]["k"] == int(until is not None)
        assert summary["cells"][cell]["standing"] == {"4": "n too small to say"}


def test_power_must_reach_what_is_promised():
    cell = summarise([line("edge:2", i, "p---" if i < 48 else "----") for i in range(100)])["cells"]["edge:2"]
    assert (cell["least"], cell["least_standing"]) == (0.8, "fails")


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
    assert "| noise | 0.0% [0.0%, 7.1%], n = 50 | 0.0% [0.0%, 7.1%], n = 50 |" in page
    assert "| - | - | 8% | holds |" in page
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


def test_a_page_of_stored_figures_keeps_the_order_of_questions_and_of_markets(tmp_path):
    (tmp_path / "src/tradsys/verdict").mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    (tmp_path / "src/tradsys/verdict/calibration.json").write_text("{}")
    summary = summarise([line("noise", 1, "----"), line("edge:0", 1, "----"), line("bull", 1, "----")])
    for preset in ("fast", "full"):
        publish_summary(summary | {"preset": preset}, tmp_path, today=date(2026, 1, 2))
    page = (tmp_path / "docs/calibration.md").read_text()
    assert page.count("| market | money | and timing | and alpha | and delay | the verdict |") == 2
    fast = page[page.index("## The fast preset") : page.index("## The full preset")]
    assert fast.index("| noise |") < fast.index("| bull |") < fast.index("| edge:0 |")


def test_publishing_elsewhere_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="root of the source tree"):
        publish_summary(summarise([]), tmp_path, today=date(2026, 1, 2))


def test_a_mistyped_cell_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean noise-free"):
        scenario_named("noise-fre")
