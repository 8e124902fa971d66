"""One rule for what makes two configurations the same."""

from dataclasses import dataclass, field
from typing import Annotated

import pytest

from tradsys.core.identity import NOT_IDENTITY, OUTSIDE_IDENTITY, SCHEMA, digest, digest_of, identity
from tradsys.core.settings import SettingsSection
from tradsys.profiles.catalogue import PROFILES, reading_confidence_as
from tradsys.research.ranking.market_neutral import market_neutral_from
from tradsys.settings.config import RunConfig


class Inner(SettingsSection):
    size: int = 1
    path: Annotated[str, NOT_IDENTITY] = ""


class Outer(SettingsSection):
    inner: Inner = Inner()
    names: tuple[str, ...] = ()
    seed: Annotated[int, NOT_IDENTITY] = 0


class Later(Outer):
    added: float = 0.5


@dataclass(frozen=True)
class Rule:
    limit: float
    n: int = 2
    words: str = field(default="", metadata=OUTSIDE_IDENTITY)


@dataclass(frozen=True)
class OtherRule:
    limit: float


def test_only_what_differs_from_its_default_is_told():
    assert identity(Outer()) == {} == identity(Outer(inner=Inner(size=1), names=()))
    assert identity(Outer(inner=Inner(size=3), names=("a",))) == {"inner": {"size": 3}, "names": ["a"]}
    assert identity(Rule(0.5)) == {"class": "Rule", "limit": 0.5}


def test_a_setting_that_is_added_later_changes_no_digest():
    assert digest(Later(names=("a",))) == digest(Outer(names=("a",)))
    assert digest(Later(added=1.0)) != digest(Outer())


def test_a_margin_as_it_is_by_default_leaves_the_digest_of_runs_before_there_was_one():
    ranks = market_neutral_from(RunConfig())
    assert "margin" not in identity(ranks)
    assert identity(RunConfig(portfolio={"maintenance": 0.005, "liquidation_fee_bps": 50.0})) == {}


def test_what_is_marked_is_no_part_of_it():
    assert digest(Outer(seed=3, inner=Inner(path="elsewhere"))) == digest(Outer())
    assert digest(Rule(0.5, words="in other words")) == digest(Rule(0.5))


def test_another_value_class_or_schema_is_another_digest(monkeypatch):
    assert len({digest(Rule(0.5)), digest(Rule(0.6)), digest(Rule(0.5, 3)), digest(OtherRule(0.5))}) == 4
    before = digest_of({"a": 1})
    monkeypatch.setattr("tradsys.core.identity.SCHEMA", SCHEMA + 1)
    assert digest_of({"a": 1}) != before


DEFAULTS = {
    2: "b3fde0927473f69734f68eea1f147a4adba19ac2911637131e38b2be5545710f",
    3: "a3415a33f1745778b4238417614374f90de4d36a2950b8460917160f7f4a0fbb",
    4: "a5a5198dc301a5820470627ccddc7fafdca722de1fb3d052efb76ba6d3eaab8b",
}
"""Hash of every default, by the schema that it belongs to; a setting that is added changes it, and no digest."""


def test_a_default_that_changes_raises_the_schema():
    """Where this fails, raise `core.identity.SCHEMA` by one and add the new hash under it."""
    stated = [RunConfig(), *PROFILES, *reading_confidence_as("probability"), market_neutral_from(RunConfig())]
    found = digest_of({"defaults": [identity(one, with_defaults=True) for one in stated]})
    assert DEFAULTS.get(SCHEMA) == found


@pytest.mark.parametrize(
    ("key", "value", "is_part"),
    [
        ("labels.horizon", 6, True),
        ("labels.rule", "ewma_volatility", True),
        ("labels.volatility_span", 50, True),
        ("costs.borrow_bps_per_year", 1.0, True),
        ("portfolio.maintenance", 0.01, True),
        ("portfolio.no_volume", "wait", True),
        ("portfolio.min_notional", 1.0, True),
        ("portfolio.liquidation_fee_bps", 0.0, True),
        ("agent.attention_start", "recent", True),
        ("macro.supervise", "SNIPER", True),
        ("folds.path_groups", 0, False),
        ("positions.sources", "x.csv", False),
        ("funding.files", "x.csv", False),
        ("machine.plan", "safe", False),
        ("machine.compile", "on", False),
        ("seed", 3, False),
        ("strategy_profile", "EDGE", False),
    ],
)
def test_what_changes_a_result_is_in_a_runs_digest(key, value, is_part):
    assert (RunConfig().with_settings({key: value}).digest != RunConfig().digest) is is_part
