"""A short history takes other shares, or is refused with settings that do work, before anything is fitted."""

import re
from datetime import timedelta

import polars as pl
import pytest

from tradsys.core.errors import NotEnoughBars
from tradsys.data import load_market
from tradsys.data.simulate import simulate
from tradsys.research.walk import fitting
from tradsys.research.walk.enough_history import with_enough_history
from tradsys.research.walk.experiment import walk
from tradsys.research.walk.experiment_spec import experiment_on
from tradsys.settings.config import RunConfig

QUICK = {"agent.name": "logistic", "regimes.n_starts": 1, "folds.path_groups": 0}


@pytest.fixture(scope="module")
def market_of(tmp_path_factory):
    """A market of so many bars, hourly or daily."""
    folder = tmp_path_factory.mktemp("short")

    def of(n_bars, interval="1h"):
        bars = simulate("noise", seed=1, n_bars=n_bars)
        if interval == "1d":
            last = bars["ts"][0]
            first = last - timedelta(days=n_bars - 1)
            days = pl.datetime_range(first, last, "1d", time_unit="ms", time_zone="UTC", eager=True)
            bars = bars.with_columns(ts=days)
        path = folder / f"S{n_bars}-{interval}.parquet"
        bars.write_parquet(path)
        return load_market([path])

    return of


def of(**settings):
    return RunConfig().with_settings(QUICK | {key.replace("__", "."): value for key, value in settings.items()})


@pytest.fixture
def unfitted(monkeypatch):
    """Whatever is fitted fails."""

    def fail(*_, **__):
        raise AssertionError("nothing may be fitted before the history was found to be enough")

    for module in ("experiment", "fitting"):
        monkeypatch.setattr(f"tradsys.research.walk.{module}.fit_models", fail)


@pytest.mark.parametrize(
    ("n_bars", "interval", "shares"),
    [(2_900, "1d", (0.3, 6)), (3_600, "1h", (0.25, 6)), (2_000, "1h", (0.4, 6)), (1_400, "1h", (0.55, 5))],
)
def test_defaults_adapt_to_a_short_history_and_say_so(n_bars, interval, shares, market_of):
    config, told = with_enough_history(market_of(n_bars, interval), of())
    assert (config.folds.initial, config.folds.n_folds) == shares
    assert told.startswith(f"adapted to a short history: folds.initial is {shares[0]:g} and folds.n_folds {shares[1]} ")
    assert config.digest != of().digest


def test_the_adapted_shares_are_enough(market_of):
    market = market_of(1_400)
    config, _ = with_enough_history(market, of())
    first, *_, last = walk(market, experiment_on(market, config)).results
    assert fitting.FEWEST_ROWS <= first.n_train < last.n_train


@pytest.mark.parametrize("n_bars", [4_400, 9_000])
def test_a_history_that_suffices_keeps_its_settings_and_digest(n_bars, market_of):
    config, told = with_enough_history(market_of(n_bars), of())
    assert (config, told) == (of(), "")


@pytest.mark.parametrize("by_hand", [{"folds__initial": 0.2}, {"folds__n_folds": 6}])
def test_shares_that_somebody_set_are_refused_with_those_that_work(by_hand, market_of, unfitted):
    market, asked = market_of(2_900, "1d"), of(**by_hand)
    assert with_enough_history(market, asked) == (asked, "")
    with pytest.raises(NotEnoughBars, match=r"train on 153 rows and needs 300.*these work: --set folds") as refused:
        walk(market, experiment_on(market, asked))
    named = dict(re.findall(r"--set (\S+)=(\S+)", str(refused.value)))
    monkey = of(**{key.replace(".", "__"): value for key, value in named.items()})
    with pytest.raises(AssertionError, match="nothing may be fitted"):  # enough: it goes on to fit
        walk(market, experiment_on(market, monkey))


def test_where_no_shares_work_the_bars_that_are_needed_are_named(market_of, unfitted):
    with pytest.raises(NotEnoughBars, match=r"no shares of it work: load at least 1,300 bars a symbol") as refused:
        walk(market_of(200), experiment_on(market_of(200), of()))
    assert "embargo" not in str(refused.value)
    market = market_of(1_300)
    assert with_enough_history(market, of())[0].folds.initial == 0.6


def test_a_network_without_room_for_its_memory_is_told_that_the_logistic_has_some(market_of, unfitted):
    pytest.importorskip("torch")
    market = market_of(1_400)
    with pytest.raises(NotEnoughBars, match=r"these work: --agent logistic --set folds\.initial=0\.55"):
        walk(market, experiment_on(market, of(agent__name="transformer")))


def test_a_long_horizon_whose_inner_folds_would_be_empty_is_refused_too(market_of, unfitted):
    market = market_of(6_000)
    with pytest.raises(NotEnoughBars, match=r"train on 313 rows and needs 804.*these work: --set folds\.initial"):
        walk(market, experiment_on(market, of(labels__horizon=600, folds__initial=0.25)))


def test_the_command_says_that_it_adapted(market_of, tmp_path, monkeypatch, capsys):
    from tradsys.cli.loading import Needs, configured_work, load

    source = market_of(2_000).sources[0]
    monkeypatch.chdir(tmp_path)
    given = {"agent.name": "logistic"}
    loaded = load([str(source)], given, needs=Needs("run"), file=None, work=configured_work)
    assert "adapted to a short history: folds.initial is 0.4" in capsys.readouterr().err
    assert loaded.config.folds.initial == 0.4
