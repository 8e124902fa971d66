"""A record that lost everything is never proven, whatever the mean of its days, and its sentence says when."""

from dataclasses import asdict

import numpy as np
import pytest
from tests.verdict.records import market, record, series

from tradsys.core.time import DAY_MS, from_ms
from tradsys.journal import TrialSeries
from tradsys.verdict import VerdictSpec, judge
from tradsys.verdict.ruin import is_ruined, kept, ruined_on, unflattered

QUICK = VerdictSpec(n_bootstrap=499)


def an_edge(seed: int = 0) -> TrialSeries:
    """Foresight and no costs: proven."""
    rng = np.random.default_rng(seed)
    return record("EDGE", market(rng), rng, foresight=0.6)


def ruined(trial: TrialSeries, day: int) -> TrialSeries:
    """The same record, but for one day that takes all; nothing is held after it."""
    daily, position = trial.daily.copy(), trial.position.copy()
    daily[day], daily[day + 1 :] = -1.0, 0.0
    position[:, 4 * (day + 1) :] = 0.0
    return TrialSeries(trial.key, trial.days, daily, trial.grid, position, trial.opens, trial.symbols, trial.n_trades)


def judged(*own: TrialSeries, causes: dict[str, str] | None = None, **options: int):
    return judge(own, spec=QUICK, guard_bars=20, seed=0, causes=causes or {}, **options)


@pytest.mark.parametrize("day", [399, 390, 100])
def test_what_would_be_proven_is_not_where_one_day_took_it_all(day: int) -> None:
    trial = an_edge()
    assert judged(trial).profiles["EDGE"].verdict == "proven"
    found = judged(ruined(trial, day), causes={"EDGE": "a long of BTC"}).profiles["EDGE"]
    when = from_ms(int(trial.days[day]) * DAY_MS).date().isoformat()
    assert found.verdict != "proven"
    assert found.ruined_on == when
    assert f"ruined on {when}: it lost everything with a long of BTC" in found.sentence
    assert found.p == found.p_net == 1.0
    assert found.sharpe is not None
    assert found.sharpe < 0


def test_a_steady_gain_with_a_sharpe_above_five_is_not_proven_after_its_ruin() -> None:
    rng = np.random.default_rng(1)
    on = market(rng)
    daily = np.full(400, 0.02) + rng.normal(0, 0.001, 400)
    daily[320] = -1.0
    daily[321:] = 0.0
    net = np.repeat(daily / 4, 4)
    trial = series("LUCK", on, np.sign(np.append(on.returns[:1284], np.zeros(316))), net, 320)
    assert daily.mean() / daily.std() * np.sqrt(365) > 3
    found = judged(trial).profiles["LUCK"]
    assert (found.verdict, found.leg) == ("not proven", "money")
    assert found.sentence.startswith("not proven: ruined on 2020-02-28: it lost everything (320 trades in 400 days")
    assert found.sharpe is not None
    assert found.sharpe < 0


def test_a_ruin_is_told_where_there_is_too_little_history_and_where_the_record_is_refuted() -> None:
    rng = np.random.default_rng(2)
    short = ruined(record("A", market(rng, n_days=100), rng, foresight=0.6), 50)
    assert "ruined on" in judged(short).profiles["A"].sentence
    loser = ruined(record("B", market(rng), rng, cost=0.004, busy=1.0), 399)
    found = judged(loser).profiles["B"]
    assert found.verdict in ("refuted", "not proven")
    assert found.sentence.startswith(f"{found.verdict}: ruined on")


def test_an_average_day_that_is_good_proves_nothing_where_the_end_is_below_the_beginning() -> None:
    rng = np.random.default_rng(3)
    on = market(rng)
    side = np.sign(on.returns + rng.normal(0, 0.02, len(on.returns)))
    daily = np.where(rng.random(400) < 0.7, 0.9, -0.9)
    trial = series("LEVERED", on, side, np.repeat(daily / 4, 4), 1600)
    assert daily.mean() / daily.std() * np.sqrt(365) > 3
    assert kept(daily) < 1e-6
    found = judged(trial).profiles["LEVERED"]
    assert found.verdict == "not proven"
    assert "of its capital, however good its average day was" in found.sentence
    assert found.ruined_on is None
    assert found.sharpe is not None
    assert found.sharpe < 0


def test_records_that_were_not_ruined_are_judged_as_if_there_were_no_ruin() -> None:
    trial = an_edge(5)
    assert unflattered(trial.daily) is trial.daily
    plain, told = judged(trial), judged(trial, causes={"OTHER": "a long of BTC"})
    assert asdict(plain) == asdict(told)
    assert plain.profiles["EDGE"].ruined_on is None


def test_log_returns_stand_for_a_record_that_lost_all_and_add_up_to_its_loss() -> None:
    rose = np.full(320, 0.2)
    daily = np.concatenate([rose, [-1.0], np.zeros(30)])
    assert is_ruined(daily)
    assert (kept(daily), ruined_on(np.arange(351), daily)) == (0.0, "1970-11-17")
    shown = unflattered(daily)
    assert shown.sum() == pytest.approx(np.log(0.01))
    assert shown[:320] == pytest.approx(np.log(1.2))
    faded = np.full(1000, -0.01)
    faded[::2] = 0.001
    assert unflattered(faded) is faded  # its mean says it already
