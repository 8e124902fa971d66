import pytest
from tests.report.conftest import changed

from tradsys.cli.summary import unfilled_lines
from tradsys.report.cards import cards, headline, never_fired, profile_names
from tradsys.report.page import page
from tradsys.runs.metrics import ProfileMetrics


def judged(run, **profiles):
    """The run with these profiles alone, each like AUDITED where nothing else is given."""
    verdict, metrics = run.verdict.to_json()["profiles"]["AUDITED"], run.metrics.to_json()["profiles"]["AUDITED"]
    return changed(
        run,
        verdict={"profiles": {name: verdict | own for name, own in profiles.items()}},
        metrics={"profiles": dict.fromkeys(profiles, metrics)},
    )


def test_profiles_stand_best_first(run):
    assert profile_names(run) == ["AUDITED", "EDGE", "SNIPER", "RECKLESS"]


def test_one_proven_profile_is_the_answer_whatever_the_others_are(run):
    run = judged(
        run,
        A={"verdict": "refuted", "p": 0.9, "sentence": "refuted: it loses money"},
        B={"verdict": "proven", "p": 0.01, "sentence": "proven: it made money after costs"},
    )
    answer = headline(run, profile_names(run))
    assert (answer.word, answer.sentence) == ("Proven", "B, the best of 2 profiles: it made money after costs.")


def test_no_profile_is_called_the_best_where_none_could_be_judged(run):
    short = {"verdict": "not proven", "p": None, "sentence": "not proven: too little history (55 of 300 days)"}
    run = judged(run, A=short, B=short)
    assert headline(run, profile_names(run)).sentence == "A: too little history (55 of 300 days)."


def test_a_sentence_is_told_from_the_record_it_rests_on(run):
    shown = {card.name: (card.sentence, card.record) for card in cards(run, profile_names(run))}
    assert shown["RECKLESS"][0] == "After costs it loses money."
    assert shown["RECKLESS"][1].startswith("Net Sharpe at most −0.4")
    assert shown["SNIPER"] == ("Too few trades (0 of 60).", "")


def test_a_run_without_profiles_says_that_there_is_no_verdict(run):
    run = judged(run)
    assert headline(run, profile_names(run)).word == "No verdict"


def test_a_profile_that_never_fired_says_so_once_with_the_highest_confidence(run):
    sentence = "not proven: too few trades (0 of 60); it never fired: the highest confidence it saw was 0.612"
    run = judged(run, A={"sentence": sentence, "n_trades": 0})
    silent = run.metrics.to_json()["profiles"]["A"] | {"highest_confidence": 0.6124, "n_decisions": 0}
    run = changed(run, metrics={"profiles": {"A": silent}})
    (card,) = cards(run, ["A"])
    assert card.sentence == "Too few trades (0 of 60)."
    assert card.never_fired == "Never fired: the highest confidence it saw was 0.612."
    assert card.bar is None


def test_the_interval_is_drawn_on_one_scale_with_zero_and_the_detectable_edge(run):
    bars = {card.name: card.bar for card in cards(run, profile_names(run))}
    audited, reckless = bars["AUDITED"], bars["RECKLESS"]
    assert audited.low < audited.zero < audited.point < audited.high < audited.detectable
    assert reckless.low < reckless.point < reckless.high < reckless.zero == audited.zero


def test_a_leg_passes_at_the_runs_own_alpha(run):
    own = {"verdict": "not proven", "n_trades": 90, "p_net": 0.21, "p_skill": 0.018}
    usual = judged(run, A=own)
    assert [leg.is_passed for leg in cards(usual, ["A"])[0].legs] == [False, None, True, None]
    strict = changed(usual, manifest={"config": {**run.manifest.config, "verdict": {"alpha": 0.01}}})
    assert [leg.is_passed for leg in cards(strict, ["A"])[0].legs] == [False, None, False, None]
    unknown = judged(run, A={"p_net": None, "p_skill": None})
    assert [leg.is_passed for leg in cards(unknown, ["A"])[0].legs] == [None, None, None, None]


def test_a_profile_without_a_threshold_on_confidence_says_what_its_decisions_lacked(run):
    silent = run.metrics.to_json()["profiles"]["AUDITED"] | {
        "highest_confidence": None,
        "stayed_out": "expected return after costs less 0.8 standard errors is not above 0 bp",
        "n_decisions": 0,
    }
    said = never_fired(ProfileMetrics.model_validate(silent), 0)
    assert said == "Never fired: expected return after costs less 0.8 standard errors is not above 0 bp."


def test_what_is_proven_until_a_day_says_so_and_shows_the_last_third(run):
    lately = {"since": "2022-06-30", "n_days": 365, "n_trades": 80, "sharpe": -0.7, "low": -2.6, "high": 1.2}
    died = {"verdict": "proven", "sentence": "proven until 2022-06-30: it made money (90 trades, 1 trial counted)"}
    one = judged(run, A=died | {"until": "2022-06-30", "lately": lately, "kept_late": 0.81, "p_net": 0.01})
    (card,) = cards(one, ["A"])
    assert card.word == "Proven until 2022-06-30"
    assert card.sentence == "It made money."
    assert card.lately.startswith("Since 2022-06-30 alone: net Sharpe −0.70")
    assert card.lately.endswith("80 trades in 365 days")
    assert (card.legs[3].found, card.legs[3].is_passed) == ("keeps 81.0%", True)
    assert headline(one, ["A"]).word == "Proven until 2022-06-30"


@pytest.mark.parametrize(("kept", "found"), [(0.39, "keeps 39.0%"), (-127.5, "keeps nothing")])
def test_a_record_that_keeps_too_little_a_bar_later_fails_that_question(run, kept, found):
    (card,) = cards(judged(run, A={"verdict": "not proven", "kept_late": kept}), ["A"])
    assert (card.legs[3].found, card.legs[3].is_passed) == (found, False)


@pytest.mark.parametrize(("p_late", "shown", "is_passed"), [(0.04, "0.040", True), (0.32, "0.32", False)])
def test_what_is_left_a_bar_later_shows_its_p_where_that_was_asked(run, p_late, shown, is_passed):
    (card,) = cards(judged(run, A={"verdict": "not proven", "kept_late": 0.45, "p_late": p_late}), ["A"])
    assert (card.legs[3].found, card.legs[3].is_passed) == (f"keeps 45.0%, p {shown}", is_passed)


def test_a_last_third_of_too_few_trades_is_shown_without_an_interval(run):
    lately = {"since": "2022-06-30", "n_days": 365, "n_trades": 4, "sharpe": 1.2, "low": None, "high": None}
    (card,) = cards(judged(run, A={"verdict": "not proven", "lately": lately}), ["A"])
    assert card.lately == "Since 2022-06-30 alone: net Sharpe 1.20 without an interval, 4 trades in 365 days"


def test_what_no_venue_would_have_filled_stands_on_the_card_and_in_the_terminal(run):
    counted = {"n_decisions": 1_200, "not_taken": {"in position": 40, "no volume": 523}}
    own = run.metrics.to_json()["profiles"]["AUDITED"] | counted
    one = changed(judged(run, AUDITED={}), metrics={"profiles": {"AUDITED": own}})
    (card,) = cards(one, ["AUDITED"])
    words = "f 1,200 decisions 523 found nobody who traded in the bar that would have filled them"
    assert card.unfilled == f"O{words}."
    assert unfilled_lines(one.metrics) == [f"  not filled, AUDITED: o{words}"]
    assert card.unfilled in page(one)
    assert cards(judged(run, AUDITED={}), ["AUDITED"])[0].unfilled == ""


def test_a_profile_of_whose_decisions_none_was_filled_says_so(run):
    silent = run.metrics.to_json()["profiles"]["AUDITED"] | {"n_decisions": 3, "not_taken": {"no volume": 3}}
    assert never_fired(ProfileMetrics.model_validate(silent), 0) == "Never filled: it wanted to enter 3 times."
    late = silent | {"not_taken": {"outside the time": 3}}
    assert never_fired(ProfileMetrics.model_validate(late), 0).endswith("too late to end within the test.")


def test_what_is_proven_until_a_day_stands_behind_what_is_proven_still(run):
    died = {"verdict": "proven", "p": 0.001, "until": "2022-06-30"}
    assert profile_names(judged(run, A=died, B={"verdict": "proven", "p": 0.04, "until": None})) == ["B", "A"]
