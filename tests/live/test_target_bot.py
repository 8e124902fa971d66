"""A bot that holds target weights: on a tape it does what the batch of the same rule does, or says why not."""

import json
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest
from tests.live.target_session import RULE, TapedBot, opens_of, rank_bundle, session

from tradsys.cli.app import main
from tradsys.cli.trade_standing import standing
from tradsys.core.bars import split_symbols
from tradsys.core.errors import ConfigError
from tradsys.core.time import HOUR_MS
from tradsys.data.simulate import simulate_universe
from tradsys.live.account.replayed import own_bars, replay_of
from tradsys.live.control import Command
from tradsys.live.target_bot import TOO_LATE
from tradsys.report.numbers import percent
from tradsys.settings.trade import TradeSettings
from tradsys.web.bot.decisions import decision_rows, last_decisions
from tradsys.web.bot.plain import Plain

HORIZON_MS = RULE.horizon * HOUR_MS
N_HOURS = 96


@pytest.fixture(scope="module")
def market() -> dict[str, pl.DataFrame]:
    frames = split_symbols(simulate_universe(12, seed=5, n_bars=1_000, momentum=0.02))
    longest = sorted(frames, key=lambda symbol: -len(frames[symbol]))[:6]
    return {f"{symbol}/USDT:USDT": frames[symbol].tail(400) for symbol in sorted(longest)}


def start_of(market: Mapping[str, pl.DataFrame]) -> int:
    """Amid the last bar before a choice, so many hours before the end."""
    first = opens_of(market)[-N_HOURS]
    return first - first % HORIZON_MS + HORIZON_MS - HOUR_MS // 2


@pytest.fixture(scope="module")
def whole(market: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> TapedBot:
    """A session that nothing disturbed."""
    return session(tmp_path_factory.mktemp("live") / "whole", market, start_of(market))


def test_a_session_aims_at_every_weight_of_the_batch_and_ends_its_stretches_with_it(whole: TapedBot) -> None:
    found = replay_of(whole.folder, whole.bundle, own_bars(whole.folder, whole.bundle.deployment))
    assert found.other_weights == () and found.missed == ()
    assert found.n_weights >= 6 * (N_HOURS // RULE.horizon - 2)
    assert set(found.causes) == {"same"} and found.causes["same"] >= 10
    assert found.lived_quote == pytest.approx(found.simulated_quote, abs=0.002 * 10_000)
    assert found.gap.total == pytest.approx(found.lived_quote - found.simulated_quote, abs=1e-6)
    assert found.gap.signal == 0
    assert found.lines[0].startswith(f"the account aimed at {found.n_weights:,} of {found.n_weights:,} weights")


def test_the_replay_of_weights_is_printed_and_kept_for_its_page(
    whole: TapedBot, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tradsys.predictor.traded.read_traded", lambda folder, plugins: whole.bundle)
    typed = ["trade", "replay", "R", "--account", whole.folder.name, "--root", str(whole.folder.parent)]
    assert main([*typed, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["causes"]["same"] >= 10 and printed["n_revised"] == 0 and "n_missed" not in printed
    assert main(typed) == 0
    assert "weights" in capsys.readouterr().out.splitlines()[0]


def test_what_is_held_has_its_stop_and_nothing_was_refused(whole: TapedBot) -> None:
    assert whole.fields("order_refused") == [] and whole.fields("unprotected") == []
    assert {one["origin"] for one in whole.trades} == {"target"}
    assert {one["exit_reason"] for one in whole.trades if not one["is_open"]} == {"rebalanced"}
    assert whole.status["risk"]["n_unprotected"] == 0


def test_status_and_page_tell_weights_beside_what_is_held(whole: TapedBot) -> None:
    lines = [one for one in standing(whole.status) if one.startswith("choice of")]
    held = [one for one in whole.status["aims"] if one["held_base"]]
    assert len(held) == 2 and all(one["held_base"] == one["size_base"] for one in held)
    assert any("+50.0% of the equity" in one for one in lines) and any("-50.0% of the equity" in one for one in lines)
    rows = last_decisions(Plain(whole.status))
    shown = {"wants +50.0%", f"wants {percent(-0.5, signed=True)}", "not chosen"}
    assert {row.what for row in rows} == shown
    logged = decision_rows([(0, {"kind": kind, **fields}) for kind, fields in whole.told])
    assert {row.what for row in logged} == shown


def test_a_stop_that_filled_is_the_cause_in_the_replay(market: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    one = session(tmp_path / "tight", market, start_of(market), settings=TradeSettings(weights_stop=0.01))
    assert "stop" in {row["exit_reason"] for row in one.trades}
    found = replay_of(one.folder, one.bundle, own_bars(one.folder, one.bundle.deployment))
    assert found.other_weights == ()
    assert found.causes["stopped"] > 0 and set(found.causes) <= {"same", "stopped"}


def test_after_stopentry_positions_only_shrink_and_the_replay_says_who_was_not_entered(
    market: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    start_ms = start_of(market)

    async def during(one: TapedBot) -> None:
        await one.tape._until(start_ms + 30 * HOUR_MS)
        one.control.push(Command("stopentry", by="a test"))

    one = session(tmp_path / "stopped", market, start_ms, during=during)
    late = [row for row in one.trades if row["entry_ms"] > start_ms + 31 * HOUR_MS]
    assert late == []
    assert any(row["note"].startswith("stopentry") for row in one.status["aims"])
    found = replay_of(one.folder, one.bundle, own_bars(one.folder, one.bundle.deployment))
    assert found.causes["not_entered"] > 0 and set(found.causes) <= {"same", "not_entered"}


def test_a_choice_with_a_symbol_that_did_not_come_is_put_off_and_after_more_than_a_bar_positions_only_shrink(
    market: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    start_ms = start_of(market)
    due_ms = start_ms + HOUR_MS // 2 + 4 * HORIZON_MS
    symbol = next(iter(market))
    opened = pl.col("ts").dt.epoch("ms")
    spoiled = {**market, symbol: market[symbol].filter(opened != due_ms - HOUR_MS)}
    one = session(tmp_path / "late", spoiled, start_ms)
    why = [row["reason"] for row in one.fields("denied") if row["symbol"] == "all"]
    assert len(why) == 2 and all(f"{symbol} did not come" in reason for reason in why)
    taken = [row for row in one.fields("aim") if row["choice_ms"] == due_ms]
    assert {row["close_ms"] - due_ms for row in taken} == {2 * HOUR_MS}  # the hole was read anew before that close
    assert {row["note"] for row in taken if row["weight"]} <= {"", TOO_LATE}
    found = replay_of(one.folder, one.bundle, own_bars(one.folder, one.bundle.deployment))
    assert found.other_weights == ()
    assert set(found.causes) <= {"same", "late", "not_entered", "too_small"}


def test_what_only_an_earlier_bundle_held_is_left_at_the_next_choice(
    market: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    start_ms = start_of(market)

    async def stopped_soon(one: TapedBot) -> None:
        await one.tape._until(start_ms + 2 * HOUR_MS)
        one.control.push(Command("stop", by="a test"))

    first = session(tmp_path / "two", market, start_ms, during=stopped_soon)
    gone = next(row["symbol"] for row in first.trades if row["is_open"])
    fewer = rank_bundle(tuple(symbol for symbol in market if symbol != gone))
    other = session(tmp_path / "two", market, start_ms + 3 * HOUR_MS, bundle=fewer)
    (row,) = (row for row in other.trades if row["symbol"] == gone)
    assert (row["is_open"], row["exit_reason"]) == (False, "rebalanced")
    assert row["exit_ms"] <= start_ms + HOUR_MS // 2 + HORIZON_MS + 60_000


def test_limits_that_do_not_fit_a_portfolio_are_refused_by_name(
    market: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"trade\.max_open_trades: it is 1, and the bundle holds up to 2"):
        session(tmp_path / "few", market, start_of(market), settings=TradeSettings(max_open_trades=1))
    with pytest.raises(ConfigError, match=r"trade\.orders_per_minute: it is 5, and a choice of 2 positions takes 6"):
        session(tmp_path / "slow", market, start_of(market), settings=TradeSettings(orders_per_minute=5))


def test_a_spot_market_is_refused_by_name(market: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    names = tuple(symbol.partition(":")[0] for symbol in market)
    spot = dict(zip(names, market.values(), strict=True))
    with pytest.raises(ConfigError, match="venue: target weights are traded on perpetuals, and binance-spot is a spot"):
        session(tmp_path / "spot", spot, start_of(market), bundle=rank_bundle(names, venue="binance-spot"))
