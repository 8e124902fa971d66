"""Decisions of a symbol without rows are a frame like any other's, which pooled ones can be joined with."""

from dataclasses import fields, replace

import numpy as np
import polars as pl
import pytest
from tests.profiles.test_profiles import forecasts

from tradsys.labels.barriers import BarrierSpec
from tradsys.predictor.predictor import decisions_frame
from tradsys.profiles import PROFILES


def without_rows():
    """A symbol that was listed too late to have any."""
    some = forecasts()
    named = {one.name: getattr(some, one.name) for one in fields(some)}
    return replace(some, **{name: value[:0] for name, value in named.items() if isinstance(value, np.ndarray)})


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_a_symbol_without_rows_joins_the_others_whichever_comes_first(profile):
    none, some = (decisions_frame("A", one, profile, BarrierSpec()) for one in (without_rows(), forecasts()))
    assert none.schema == some.schema
    assert pl.concat([none, some]).equals(some)
    assert pl.concat([some, none]).equals(some)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_entries_alone_are_those_of_all_decisions_that_enter(profile):
    for one in (forecasts(), without_rows()):
        entering = decisions_frame("A", one, profile, BarrierSpec()).filter(pl.col("action") != 0)
        assert decisions_frame("A", one, profile, BarrierSpec(), only_entries=True).equals(entering)
    assert len(decisions_frame("A", forecasts(), PROFILES[2], BarrierSpec(), only_entries=True))
