"""Symbols and columns that were stamped at another time are refused; those that only tell something are not."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from tradsys.core.errors import ConfigError, DataError
from tradsys.data.alignment import check_alignment, checked_columns
from tradsys.data.lead_lag import CrossCorrelations, ranked, stretches
from tradsys.data.market import Market
from tradsys.data.simulate.market import HOUR

MINUTE = timedelta(minutes=1)
N = 6_000


def moves(seed: int, n: int = N, sd: float = 0.005) -> np.ndarray:
    """Returns with fat tails whose volatility drifts."""
    rng = np.random.default_rng(seed)
    level = np.zeros(n)
    for t, shock in enumerate(0.1 * rng.standard_normal(n - 1)):
        level[t + 1] = 0.98 * level[t] + shock
    return sd * np.exp(level) * rng.standard_t(4, n)


def like(returns: np.ndarray, rho: float, seed: int) -> np.ndarray:
    """Returns of the same market whose correlation with the others' is `rho`."""
    return rho * returns + np.sqrt(1 - rho**2) * moves(1_000 + seed, len(returns))


def bars_of(returns: np.ndarray, step: timedelta = HOUR, late: int = 0, **columns: np.ndarray) -> pl.DataFrame:
    """Bars whose stamps are `late` by so many bars."""
    close = 100 * np.exp(np.cumsum(returns))
    start = pl.datetime(2020, 1, 1, time_unit="ms", time_zone="UTC")
    ts = pl.select((start + step * pl.int_range(len(close)) + step * late).alias("ts")).to_series()
    opens = np.append(100.0, close[:-1])
    prices = {"open": opens, "high": np.maximum(opens, close), "low": np.minimum(opens, close), "close": close}
    return pl.DataFrame({"ts": ts, **prices, "volume": np.ones(len(close)), **columns})


def market(frames: dict[str, pl.DataFrame], interval: timedelta = HOUR) -> Market:
    bars = pl.concat(frame.select(pl.lit(symbol).alias("symbol"), pl.all()) for symbol, frame in frames.items())
    return Market(bars, interval, tuple(frames), tuple(frames), (), "", (), False)


def pool(seed: int, rho: float = 0.6, size: int = 4, **late: int) -> Market:
    """Symbols S0, S1, ... of one market, some of them stamped late."""
    whole = moves(seed)
    names = [f"S{k}" for k in range(size)]
    return market(
        {name: bars_of(like(whole, rho, 10 * seed + k), late=late.get(name, 0)) for k, name in enumerate(names)}
    )


@pytest.mark.parametrize(
    ("lag", "words"), [(1, "late, by their close"), (-1, "early, by their open"), (8, "by 8 bars")]
)
@pytest.mark.parametrize("size", [3, 4, 15])
def test_a_symbol_that_is_stamped_otherwise_is_refused_by_name(lag, words, size):
    with pytest.raises(DataError, match=r"found 1 that tell the next bar") as refused:
        check_alignment(pool(1, size=size, S1=lag))
    said = str(refused.value)
    assert "S1 goes with the bars of S0, S2" in said
    assert words in said
    assert "n = 5," in said
    assert 'alignment.allow_lead=["S1"]' in said


def test_of_two_symbols_both_are_named():
    with pytest.raises(DataError, match="found 2 that tell") as refused:
        check_alignment(pool(2, size=2, S1=1))
    assert "S0 goes with the bars of S1 1 bar later" in str(refused.value)
    assert "S1 goes with the bars of S0 1 bar earlier" in str(refused.value)


def test_who_is_late_in_a_part_of_the_history_is_found_with_the_days():
    whole = moves(3, 9_000)
    late = bars_of(like(whole, 0.7, 1)).with_columns(
        pl.col("ts") + pl.when(pl.int_range(pl.len()) > 6_500).then(HOUR).otherwise(timedelta())
    )
    with pytest.raises(DataError, match=r"in \d+ of 32 parts from 2020-\d\d-\d\d to 2021-01-"):
        check_alignment(market({"A": bars_of(like(whole, 0.7, 2)), "B": late, "C": bars_of(like(whole, 0.7, 3))}))


@pytest.mark.parametrize("column", ["return", "price"])
def test_a_table_that_is_known_a_bar_early_is_refused(column):
    returns = moves(4)
    other = like(returns, 0.4, 4)
    told = other if column == "return" else np.cumsum(other)
    early = bars_of(returns, flow_basis=np.append(told[1:], np.nan))
    with pytest.raises(
        DataError, match=r"(?s)flow_basis tells the next bar of X \(rank correlation \+0\.\d\d \[.*lag_s="
    ):
        check_alignment(market({"X": early}))
    assert check_alignment(market({"X": bars_of(returns, flow_basis=told)})).noticed == ()


@pytest.mark.parametrize("ahead", [1, 2, 5])
def test_what_takers_bought_in_later_bars_is_refused(ahead):
    returns = moves(5)
    share = 0.5 + 0.1 * np.tanh(returns / 0.005 + 0.8 * np.random.default_rng(6).standard_normal(len(returns)))
    for early in (0, ahead):
        bars = bars_of(returns)
        bars = bars.with_columns(taker_buy_volume=pl.col("volume") * pl.Series(np.roll(share, -early)))
        if not early:
            assert check_alignment(market({"A": bars})).n_columns == 1
            continue
        told = "the next bar" if ahead == 1 else f"the bar {ahead} ahead"
        with pytest.raises(DataError, match=f"taker_buy_volume tells {told} of A"):
            check_alignment(market({"A": bars}))


def test_one_that_is_known_late_is_noticed_and_no_more():
    returns = moves(5)
    told = like(returns, 0.5, 5)
    late = check_alignment(market({"X": bars_of(returns, flow_basis=np.append(np.nan, told[:-1]))}))
    (one,) = late.noticed
    assert one.lag == -1
    assert "flow_basis goes with the bar of X 1 bar before its own" in one.sentence


def daily(returns: np.ndarray, hours_early: int) -> np.ndarray:
    """A return of each day, correlated with the market's, known when the day is over or so many hours before."""
    days = np.arange(len(returns)) // 24
    sums = np.bincount(days, returns)
    told = 0.5 * sums + np.sqrt(1 - 0.25) * sums.std() * np.random.default_rng(0).standard_normal(len(sums))
    known = np.append(np.nan, told[:-1])[days]
    return np.append(known[hours_early:], np.full(hours_early, np.nan))


def test_days_of_another_market_that_are_known_before_they_are_over_are_refused():
    returns = moves(6, 24 * 800)
    with pytest.raises(DataError, match="macro_sp_r1 tells the next change of X"):
        check_alignment(market({"X": bars_of(returns, macro_sp_r1=daily(returns, 24))}))
    assert check_alignment(market({"X": bars_of(returns, macro_sp_r1=daily(returns, 0))})).noticed == ()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("follows", [0.1, 0.2, 0.3])
def test_a_slow_coin_that_follows_another_within_minutes_passes(seed, follows):
    fast = moves(seed, sd=0.0006)
    slow = (1 - follows) * fast + follows * np.append(0.0, fast[:-1]) + 0.6 * moves(100 + seed, sd=0.0006)
    found = check_alignment(market({"A": bars_of(fast, MINUTE), "B": bars_of(slow, MINUTE)}, MINUTE))
    assert found.noticed == ()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rate", [1.5, 0.7, 0.2])
def test_prices_that_are_rarely_traded_follow_and_pass(seed, rate):
    steps = np.repeat(moves(seed), 12) * np.random.default_rng(seed).standard_normal(12 * N) / np.sqrt(12)
    price = np.cumsum(steps)
    is_traded = np.random.default_rng(50 + seed).random(12 * N) < rate / 12
    stale = price[np.maximum.accumulate(np.where(is_traded, np.arange(12 * N), 0))]
    each = {"A": price[11::12], "B": stale[11::12]}
    assert check_alignment(market({s: bars_of(np.diff(p, prepend=0)) for s, p in each.items()})).noticed == ()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("skill", [0.05, 0.1])
def test_a_column_that_honestly_tells_the_next_bar_is_not_refused(seed, skill):
    signal, returns = np.random.default_rng(seed).standard_normal(N), moves(seed)
    returns[1:] += skill * returns.std() * signal[:-1]
    found = check_alignment(market({"X": bars_of(returns, book_imbalance_1=signal)}))
    assert all("look at its time stamps" in one.sentence for one in found.noticed)


def test_independent_symbols_and_columns_pass_and_are_counted():
    frames = {f"S{k}": bars_of(moves(k), flow_open_interest=np.cumsum(moves(20 + k))) for k in range(4)}
    found = check_alignment(market(frames))
    assert found.noticed == found.allowed == ()
    assert found.sentence == (
        "time stamps: 4 symbols with each other and 4 columns from outside with the bars before and after compared "
        "over 6,000 bars"
    )


def test_who_is_named_is_taken_as_it_is_and_told():
    found = check_alignment(pool(7, S1=1), allow_lead=["S1"])
    assert [one.name for one in found.allowed] == ["S1"]
    assert found.lines[1].startswith("alignment.allow_lead takes it as it is: S1 goes with the bars of")
    with pytest.raises(ConfigError, match="names symbols or columns from outside, found S9"):
        check_alignment(pool(7), allow_lead=["S9"])


def test_gaps_and_late_listings_are_no_lags():
    frames = pool(8).frames()
    rng = np.random.default_rng(8)
    holed = {symbol: bars[rng.integers(0, 2_000) :] for symbol, bars in frames.items()}
    kept = {s: bars.filter(pl.Series(rng.random(len(bars)) > 0.1)) for s, bars in holed.items()}
    assert check_alignment(market(kept)).noticed == ()
    kept["S2"] = kept["S2"].with_columns(pl.col("ts") + 2 * HOUR)
    with pytest.raises(DataError, match="S2 goes with the bars of S0, S1, S3 2 bars earlier"):
        check_alignment(market(kept))


def test_too_few_bars_are_not_compared_and_it_is_said():
    short = {symbol: bars[:300] for symbol, bars in pool(9, S1=1).frames().items()}
    assert (
        check_alignment(market(short)).sentence
        == "time stamps not compared: too few bars for 4 symbols with each other"
    )
    assert check_alignment(market({"X": bars_of(moves(1))})).lines == []


def test_ages_ranks_and_what_funding_charges_are_no_columns_to_compare():
    names = ["macro_dxy_r1", "macro_dxy_age_h", "rank_place_168", "funding_rate", "funding_due", "book_spread"]
    bars = bars_of(moves(0, 10), **{name: np.zeros(10) for name in names})
    assert checked_columns(bars) == ["macro_dxy_r1", "funding_rate", "book_spread"]


def test_correlations_are_those_of_ranks_within_stretches():
    from scipy.stats import spearmanr

    a = moves(10, 400)
    b = np.append(0.0, a[:-1]) + moves(11, 400)
    a[7] = np.nan
    spans = stretches(400)
    crossed = CrossCorrelations.of(ranked(a[:, None], spans), ranked(b[:, None], spans), (0, 1))
    first, end = spans[3]
    by_hand = spearmanr(a[first:end], b[first:end]).statistic
    assert crossed.sums[3, 0, 0, 0] / crossed.counts[3, 0, 0, 0] == pytest.approx(by_hand)
    assert crossed.counts[0, 0, 0, 0] == end - first - 1
    later = CrossCorrelations.of(ranked(b[:, None], spans), ranked(a[:, None], spans), (0, 1)).at(1, 0, 0)
    assert later.low > 0.2
    assert later.n == 400 - len(spans) - 1  # no pair reaches out of a stretch, and one value is missing


def test_a_market_of_seconds_may_be_told_more_by_its_book():
    """An imbalance with a rank correlation of .35 with the next second, as it has been measured."""
    second, signal = timedelta(seconds=1), np.random.default_rng(1).standard_normal(N)
    returns = moves(12, sd=1e-4)
    returns[1:] += 0.4 * np.median(np.abs(returns)) / 0.6745 * signal[:-1]
    fast = market({"X": bars_of(returns, second, book_imbalance_1=signal)}, second)
    assert check_alignment(fast).noticed
    slow = replace(fast, interval=HOUR, bars=market({"X": bars_of(returns, book_imbalance_1=signal)}).bars)
    with pytest.raises(DataError, match="book_imbalance_1 tells the next bar of X"):
        check_alignment(slow)


@pytest.mark.parametrize(("later", "is_refused"), [(2.0, False), (4.0, True)])
def test_who_follows_twice_as_well_a_bar_later_passes_and_four_times_not(later, is_refused):
    fast = moves(13)
    slow = fast + later * np.append(0.0, fast[:-1]) + moves(14)
    both = market({"A": bars_of(fast), "B": bars_of(slow)})
    if not is_refused:
        assert check_alignment(both).noticed == ()
        return
    with pytest.raises(DataError, match="B goes with the bars of A 1 bar earlier"):
        check_alignment(both)
