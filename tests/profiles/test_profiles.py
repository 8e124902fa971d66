"""When each profile enters and how large, and that a stored profile comes back as it was."""

from dataclasses import replace

import numpy as np
import pytest

from tradsys.core.errors import ConfigError
from tradsys.profiles import (
    PROFILES,
    AuditorVeto,
    ConfidenceAbove,
    EarnedReturnAbove,
    ExpectedReturnAbove,
    Forecasts,
    FullSize,
    NotQuiet,
    Profile,
    VolatilityTarget,
    profile_named,
)
from tradsys.profiles.catalogue import reading_confidence_as
from tradsys.profiles.profile import profile_from_dict, profile_to_dict
from tradsys.profiles.registry import register_profile


def forecasts(**changes) -> Forecasts:
    """Three rows: a confident long, a middling short, an unconfident long."""
    rows = {
        "start": np.arange(3),
        "probability": np.array([[0.60, 0.38], [0.47, 0.52], [0.50, 0.49]]),
        "expected_net": np.array([[0.004, -0.006], [-0.002, 0.001], [-0.001, -0.002]]),
        "best_side": np.array([0, 1, 0]),
        "rank": np.array([[0.97, 0.01], [0.30, 0.80], [0.50, 0.40]]),
        "regime": np.array([[0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8]]),
        "audit": np.array([0.55, 0.48, 0.70]),
        "atr": np.ones(3),
        "is_ready": np.ones(3, bool),
    }
    return Forecasts(**{**rows, **changes})


@pytest.mark.parametrize(
    ("name", "expected"),
    [("SNIPER", [1, 0, 0]), ("AUDITED", [1, 0, 0]), ("RECKLESS", [1, -1, 0]), ("EDGE", [1, -1, 0])],
)
def test_each_profile_enters_where_its_rule_says(name, expected):
    assert profile_named(name).decide(forecasts()).action.tolist() == expected


def test_the_quiet_regime_blocks_the_filtered_profiles_and_no_other():
    quiet = forecasts(regime=np.tile([0.9, 0.05, 0.05], (3, 1)))
    entries = {profile.name: profile.decide(quiet).action.any() for profile in PROFILES}
    assert entries == {"SNIPER": False, "AUDITED": False, "RECKLESS": True, "EDGE": True}


def test_the_auditor_vetoes_and_sizes():
    sizes = AuditorVeto(threshold=0.5, full_size_at=0.6).size(np.array([0.49, 0.50, 0.55, 0.60, 0.90, np.nan]))
    assert sizes == pytest.approx([0, 0.5, 0.75, 1, 1, 0])


def test_a_decision_that_stays_out_says_why():
    reasons = profile_named("AUDITED").decide(forecasts()).reason
    assert reasons == ["enter long", "vetoed by the auditor", "rank of the confidence is not above 0.75"]


def test_rows_without_a_forecast_stay_out():
    actions = profile_named("RECKLESS").decide(forecasts(is_ready=np.array([False, True, True])))
    assert actions.action.tolist() == [0, -1, 0]
    assert actions.reason[0] == "no forecast yet: warming up"


def test_the_literal_reading_compares_the_probability_itself():
    literal = {profile.name: profile for profile in reading_confidence_as("probability")}
    assert not literal["SNIPER"].decide(forecasts()).action.any()
    assert literal["EDGE"] == profile_named("EDGE")


def test_every_value_of_a_profile_is_in_its_digest():
    sniper = profile_named("SNIPER")
    assert len({profile.digest for profile in PROFILES}) == len(PROFILES)
    assert replace(sniper, entry=ConfidenceAbove(0.951)).digest != sniper.digest
    assert replace(sniper, regimes=NotQuiet()).digest == sniper.digest


TAMED = Profile("X", "x", ExpectedReturnAbove(), sizing=VolatilityTarget(50.0))


@pytest.mark.parametrize(
    "profile",
    [
        *PROFILES,
        *reading_confidence_as("probability"),
        Profile("X", "x", ExpectedReturnAbove(2.0)),
        TAMED,
        Profile("X", "x", EarnedReturnAbove(1.0, 2.0)),
    ],
)
def test_a_profile_survives_json(profile):
    assert profile_from_dict(profile_to_dict(profile)) == profile


def test_a_profile_that_was_written_before_there_were_sizes_has_the_full_one():
    values = profile_to_dict(PROFILES[0])
    del values["sizing"]
    assert profile_from_dict(values) == PROFILES[0]


def test_a_mistyped_profile_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean RECKLESS"):
        profile_named("wreckless")


def test_sizes_shrink_where_bars_are_to_move_further_than_the_target():
    said = forecasts(volatility=np.array([0.010, 0.0025, 0.005]))
    actions = TAMED.decide(said)
    assert actions.action.tolist() == [1, -1, 0]
    assert actions.size.tolist() == [0.5, 1.0, 0.0]
    assert replace(TAMED, sizing=FullSize()).decide(said).size.tolist() == [1.0, 1.0, 0.0]


def test_without_a_forecast_of_volatility_there_is_no_trade():
    actions = TAMED.decide(forecasts(volatility=np.array([np.nan, 0.01, 0.01])))
    assert actions.action.tolist() == [0, -1, 0]
    assert actions.size.tolist() == [0.0, 0.5, 0.0]
    assert actions.reason[0] == "no forecast of volatility"
    with pytest.raises(ConfigError, match="this predictor forecasts none; fit it with a volatility agent"):
        TAMED.decide(forecasts())
    with pytest.raises(ConfigError, match="volatility_bps must be positive, was 0"):
        VolatilityTarget(0)


def test_sizing_is_in_the_digest_and_the_full_size_is_its_default():
    full = replace(TAMED, sizing=FullSize())
    assert TAMED.digest != full.digest
    assert replace(TAMED, sizing=VolatilityTarget(60.0)).digest != TAMED.digest
    assert full.digest == Profile(full.name, full.description, full.entry, full.regimes, full.audit).digest


@pytest.mark.parametrize("threshold", [-0.1, 1.0, 75])
def test_a_threshold_outside_zero_and_one_is_refused(threshold):
    with pytest.raises(ConfigError, match=r"lies in \[0, 1\)"):
        ConfidenceAbove(threshold)


def test_edge_enters_where_the_expected_return_exceeds_its_standard_error():
    error = np.array([[0.0049, 0.1], [0.1, 0.0013], [0.1, 0.1]])
    assert profile_named("EDGE").decide(forecasts(net_error=error)).action.tolist() == [1, 0, 0]
    ignoring = Profile("X", "x", EarnedReturnAbove(standard_errors=0.0))
    assert ignoring.decide(forecasts(net_error=error)).action.tolist() == [1, -1, 0]


def test_edge_stays_out_while_its_record_does_not_earn_its_costs():
    earned = np.array([False, True, True])
    decided = profile_named("EDGE").decide(forecasts(net_error=np.zeros((3, 2)), has_earned=earned))
    assert decided.action.tolist() == [0, -1, 0]
    assert decided.reason[0] == "such decisions did not earn their costs out of fold"
    assert profile_named("RECKLESS").decide(forecasts(has_earned=earned)).action.tolist() == [1, -1, 0]


def test_standard_errors_below_none_are_refused():
    with pytest.raises(ConfigError, match="standard_errors is 0 or more, was -1"):
        EarnedReturnAbove(standard_errors=-1)


@pytest.mark.parametrize("given", [None, 5, "SNIPER"])
def test_only_a_profile_is_registered(given):
    with pytest.raises(ConfigError, match="register_profile takes a Profile, found"):
        register_profile(given)
