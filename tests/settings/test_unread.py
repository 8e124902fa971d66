import pytest

from tradsys.core.settings import dotted
from tradsys.settings.config import RunConfig
from tradsys.settings.unread import IGNORES, READS, unread

KEYS = list(dotted(RunConfig))


@pytest.mark.parametrize("patterns", [*READS.values(), *IGNORES.values()])
def test_every_pattern_matches_a_setting(patterns):
    from fnmatch import fnmatchcase

    known = [*KEYS, "data.root"]
    for pattern in patterns:
        assert any(fnmatchcase(key, pattern) for key in known), pattern


@pytest.mark.parametrize(
    ("command", "settings", "key", "why"),
    [
        ("run", {}, "rank.horizon", "tradsys run does not read it"),
        ("rank", {}, "labels.horizon", "tradsys rank does not read it"),
        ("rank", {}, "portfolio.sides", "tradsys rank does not read it"),
        ("rank", {}, "costs.maker_bps", "tradsys rank does not read it"),
        ("train", {}, "verdict.alpha", "tradsys train does not read it"),
        ("data", {}, "labels.horizon", "tradsys data does not read it"),
        ("run", {}, "agent.window", "the agent logistic has no network"),
        ("run", {"agent.name": "resnet"}, "agent.d_model", "it shapes the transformer, and the agent is the resnet"),
        (
            "run",
            {"agent.name": "transformer"},
            "agent.focal_gamma",
            "it belongs to the focal loss, and agent.objective is bce",
        ),
        ("run", {}, "labels.cusum_threshold", "it belongs to labels.events=cusum, and that is every"),
        (
            "run",
            {"labels.rule": "ewma_volatility"},
            "labels.atr_period",
            "it belongs to labels.rule=atr, and that is ewma_volatility",
        ),
        ("run", {}, "labels.volatility_span", "it belongs to labels.rule=ewma_volatility, and that is atr"),
        ("run", {}, "portfolio.entry_bars", "it belongs to portfolio.entry=limit, and that is market"),
        ("rank", {}, "portfolio.entry", "tradsys rank does not read it"),
        ("run", {"folds.path_groups": 0}, "folds.path_tests", "folds.path_groups=0 turns cross-validated paths off"),
        ("run", {}, "universe.size", "no feature in features.names compares symbols"),
    ],
)
def test_a_setting_that_changes_nothing_is_told_with_the_reason(command, settings, key, why):
    assert unread(command, RunConfig().with_settings(settings), [key]) == {key: why}


@pytest.mark.parametrize(
    ("command", "settings", "key"),
    [
        ("run", {}, "labels.horizon"),
        ("run", {"agent.name": "transformer"}, "agent.window"),
        ("run", {"agent.name": "resnet"}, "agent.window"),
        ("run", {"agent.name": "transformer", "agent.objective": "focal"}, "agent.focal_gamma"),
        ("run", {"labels.events": "cusum"}, "labels.cusum_threshold"),
        ("run", {"labels.rule": "ewma_volatility"}, "labels.volatility_span"),
        ("run", {"features.names": "momentum_rank"}, "universe.size"),
        ("tune", {"agent.name": "logistic"}, "agent.window"),
        ("rank", {}, "rank.horizon"),
        ("rank", {}, "universe.size"),
        ("rank", {}, "verdict.alpha"),
        ("data", {}, "data.root"),
    ],
)
def test_a_setting_that_is_read_is_not_told(command, settings, key):
    assert unread(command, RunConfig().with_settings(settings), [key]) == {}


def test_what_a_rank_run_does_not_read_is_no_part_of_what_it_tries():
    """The table against the code: settings that the command is said to ignore leave its digest alone, others do not."""
    from tradsys.research.ranking.market_neutral import market_neutral_from

    plain = market_neutral_from(RunConfig()).digest
    others = {
        "labels.horizon": 6,
        "agent.name": "logistic",
        "portfolio.sides": "long",
        "portfolio.fraction": 0.5,
        "rank.horizon": 6,
        "costs.taker_bps": 9.0,
        "costs.slippage_bps": 3.0,
        "portfolio.cap": 0.5,
        "portfolio.min_notional": 7.0,
        "portfolio.no_volume": "wait",
        "portfolio.maintenance": 0.1,
        "portfolio.liquidation_fee_bps": 10.0,
        "verdict.alpha": 0.01,
        "universe.size": 9,
    }
    for key, value in others.items():
        config = RunConfig().with_settings({key: value})
        assert (market_neutral_from(config).digest == plain) == bool(unread("rank", config, [key])), key
