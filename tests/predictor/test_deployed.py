import logging

import polars as pl
import pytest

from tradsys.core.errors import ConfigError
from tradsys.predictor import Predictor
from tradsys.predictor.deployed import profile_called
from tradsys.profiles.catalogue import AUDITED, RECKLESS


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("STRATEGY_PROFILE", "TRADSYS_STRATEGY_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture(scope="module")
def bundle(finished):
    return finished[0].folder / "bundle"


def won(bundle, profile=None):
    predictor = Predictor.load(bundle, profile)
    return predictor.profile.name, predictor.profile_source


def test_the_bundles_own_profile_is_the_default(bundle):
    assert won(bundle) == ("SNIPER", "the bundle")


def test_an_argument_beats_the_environment_beats_dotenv_beats_the_bundle(bundle, empty_folder, monkeypatch):
    (empty_folder / ".env").write_text("STRATEGY_PROFILE=audited\n")
    assert won(bundle) == ("AUDITED", "STRATEGY_PROFILE in .env")
    monkeypatch.setenv("STRATEGY_PROFILE", "EDGE")
    assert won(bundle) == ("EDGE", "STRATEGY_PROFILE in the environment")
    assert won(bundle, "RECKLESS") == ("RECKLESS", "the argument")
    assert won(bundle, RECKLESS) == ("RECKLESS", "the argument")


def test_the_prefixed_variable_is_read_too_and_an_empty_one_is_none(bundle, monkeypatch):
    monkeypatch.setenv("STRATEGY_PROFILE", "")
    assert won(bundle) == ("SNIPER", "the bundle")
    monkeypatch.setenv("TRADSYS_STRATEGY_PROFILE", "EDGE")
    assert won(bundle) == ("EDGE", "TRADSYS_STRATEGY_PROFILE in the environment")


def test_another_profile_than_the_bundles_is_logged(bundle, empty_folder, caplog):
    (empty_folder / ".env").write_text("STRATEGY_PROFILE=AUDITED\n")
    with caplog.at_level(logging.WARNING):
        Predictor.load(bundle)
    assert caplog.messages == ["AUDITED decides, by STRATEGY_PROFILE in .env; the bundle's own is SNIPER"]


@pytest.mark.parametrize("name", ["STRATEGY_PROFLE", "STRATEGY_PROFILES", "strategy_profile", "STRATEGYPROFILE"])
def test_a_mistyped_variable_is_named_with_the_right_one(name, bundle, empty_folder):
    (empty_folder / ".env").write_text(f"{name}=AUDITED\nEXCHANGE_SECRET=none of our business\n")
    with pytest.raises(ConfigError, match=rf"\.env sets {name}, which nothing reads; did you mean STRATEGY_PROFILE\?"):
        Predictor.load(bundle)


def test_an_unknown_profile_is_refused_with_the_nearest(bundle, monkeypatch):
    monkeypatch.setenv("STRATEGY_PROFILE", "SNIPPER")
    with pytest.raises(ConfigError, match="no profile is called 'SNIPPER'; did you mean SNIPER"):
        Predictor.load(bundle)


@pytest.mark.parametrize("asked", [5, ["EDGE"], b"EDGE"])
def test_what_is_neither_a_profile_nor_a_name_is_named(asked):
    with pytest.raises(ConfigError, match=r"a profile is one, or the name of one, found "):
        profile_called(asked, AUDITED, ())


def test_another_profile_takes_its_name_and_decides_as_that_profile(bundle, finished):
    predictor = Predictor.load(bundle)
    bars = pl.read_parquet(finished[0].folder / "bars.parquet").tail(3_000)
    by_name = predictor.with_profile("audited")
    assert (by_name.profile, by_name.profile_source) == (AUDITED, "the argument")
    assert by_name.decide_many(bars).equals(predictor.with_profile(AUDITED).decide_many(bars))
    assert not by_name.decide_many(bars).equals(predictor.decide_many(bars))


def test_a_bundle_knows_the_profiles_of_its_run_as_the_run_read_them(finished, tmp_path):
    from dataclasses import replace

    from tradsys.profiles.catalogue import PROFILES, reading_confidence_as

    predictor = Predictor.load(finished[0].folder / "bundle")
    assert predictor.profiles == PROFILES
    literal = replace(predictor, profiles=reading_confidence_as("probability"))
    literal.save(tmp_path / "literal")
    chosen = Predictor.load(tmp_path / "literal", "RECKLESS").profile
    assert (chosen.name, chosen.entry.confidence) == ("RECKLESS", "probability")
