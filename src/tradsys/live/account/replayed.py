"""A replay of an account from its folder: what it lived, and the same bars decided and simulated by its bundle."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import polars as pl

from tradsys.bundle.deployment import Deployment, OutsideColumn
from tradsys.core.errors import ConfigError, TradsysError
from tradsys.core.time import format_step, ts_ms
from tradsys.data.settings import DataSettings
from tradsys.live.account.audit import events_of
from tradsys.live.account.equity_history import read_equity
from tradsys.live.account.folder import JOURNAL
from tradsys.live.account.kept_bars import kept_bars, missing_bars
from tradsys.live.intents import IntentJournal
from tradsys.live.outside.providers import POOL, outside_sources
from tradsys.live.places import PAPER, STEPS_OF_TAPE, tape_bars
from tradsys.live.replay.lived import lived_trades, never_taken, unfilled_orders
from tradsys.live.replay.parity import ComparedTrade
from tradsys.live.replay.replaying import AccountReplay, replay
from tradsys.live.replay.stretches import lived_stretches
from tradsys.live.replay.weights import WeightsReplay, replay_weights
from tradsys.live.telling import Tell
from tradsys.live.venue import MarketData
from tradsys.live.venues.paper_book import PaperBook
from tradsys.predictor.traded import RankBundle, TradedBundle


def own_bars(folder: Path, deployment: Deployment) -> dict[str, pl.DataFrame]:
    """The bars that the account's bot kept; of a symbol of which it kept none the store's, where that has them."""
    market = kept_bars(folder)
    step = format_step(deployment.interval_ms)
    for symbol in deployment.symbols:
        if symbol not in market:
            series = f"{deployment.venue}:{symbol}:{step}"
            try:
                market |= tape_bars([f"{symbol}={series}"], deployment)
            except TradsysError as error:
                raise ConfigError(
                    f"the bot of account {folder.name} kept no bars of {symbol}, and the store has none: {error}; give "
                    f"--bars {symbol}=FILE, or fetch them: tradsys data fetch {series}"
                ) from None
    return {symbol: market[symbol] for symbol in deployment.symbols}


def lacking_columns(market: Mapping[str, pl.DataFrame], deployment: Deployment) -> list[OutsideColumn]:
    """Columns from outside that the bundle needs and these bars do not have; ranks among them are made by a replay."""
    wanted = [one for one in deployment.outside if one.provider != POOL or deployment.pool is None]
    return [one for one in wanted if any(one.name not in frame.columns for frame in market.values())]


async def with_outside(
    market: Mapping[str, pl.DataFrame],
    deployment: Deployment,
    data: MarketData,
    *,
    tell: Tell,
    settings: DataSettings | None = None,
) -> dict[str, pl.DataFrame]:
    """The bars with those columns, as its bot would read them now.

    A value that came late to the bot is there all the same: what it decided otherwise for that is the signal's part.
    """
    lacking = lacking_columns(market, deployment)
    sources = outside_sources(
        replace(deployment, outside=tuple(lacking)), data, tell=tell, settings=settings, is_played=True
    )
    first_ms = min(int(ts_ms(frame)[0]) for frame in market.values())
    last_ms = max(int(ts_ms(frame)[-1]) for frame in market.values()) + deployment.interval_ms
    await sources.begin(first_ms, last_ms)
    names = [one.name for one in lacking]
    return {symbol: sources.join(symbol, frame.drop(names, strict=False)) for symbol, frame in market.items()}


def replay_of(
    folder: Path, bundle: TradedBundle | RankBundle, market: Mapping[str, pl.DataFrame]
) -> AccountReplay | WeightsReplay:
    """From the account's first start to the last of the bars or of what its log tells, whichever comes first.

    A ConfigError where the log tells of no start, or of one with another bundle.
    """
    events = list(events_of(folder))
    started = [(at_ms, event) for at_ms, event in events if event["kind"] == "started"]
    if not started:
        raise ConfigError(f"the log of account {folder.name} tells of no start; there is nothing to replay")
    hashes = {str(event.get("bundle_hash")) for _, event in started}
    if hashes != {bundle.bundle_hash}:
        found = ", ".join(sorted(one[:12] for one in hashes))
        raise ConfigError(
            f"account {folder.name} was traded with bundle {found}, and this is {bundle.bundle_hash[:12]}; give it"
        )
    closes = [int(ts_ms(frame)[-1]) + bundle.deployment.interval_ms for frame in market.values()]
    denied = [(str(e["symbol"]), int(e["close_ms"])) for _, e in events if e["kind"] == "denied" and "close_ms" in e]
    end_ms, start_ms = min(events[-1][0], *closes), started[0][0]
    missing = {
        symbol: why
        for symbol, frame in market.items()
        if (why := missing_bars(frame, bundle.deployment.interval_ms, start_ms, end_ms)) is not None
    }
    if isinstance(bundle, RankBundle):
        refused = [str(event["trade"]) for _, event in events if event["kind"] == "order_refused"]
        denied += [(key.rpartition("@")[0], int(key.rpartition("@")[2])) for key in refused]
        end_ms = min(events[-1][0], max(closes))  # who was delisted ends before the others
        aimed = [event for _, event in events if event["kind"] == "aim"]
        weights = replay_weights(
            _of_journal(folder, events[-1][0], lived_stretches),
            aimed,
            bundle.ranks,
            market,
            bundle.deployment,
            start_ms=start_ms,
            end_ms=end_ms,
            cash_quote=_equity_at_start(folder, bundle.deployment),
            instrument=STEPS_OF_TAPE,
            denied=denied,
        )
        return replace(weights, missing=missing)
    unfilled, untaken = _came_to_nothing(folder, events[-1][0])
    result = replay(
        _of_journal(folder, events[-1][0], lived_trades),
        bundle.predictor,
        market,
        bundle.deployment,
        start_ms=start_ms,
        end_ms=end_ms,
        instruments=STEPS_OF_TAPE,
        denied=[*denied, *untaken],
        unfilled=unfilled,
    )
    return replace(result, missing=missing)


def _equity_at_start(folder: Path, deployment: Deployment) -> float:
    """What the account was worth when it was first seen, as far as its history goes back."""
    points = read_equity(folder)
    return points[0].equity_quote if points else deployment.portfolio.cash_quote


def _came_to_nothing(folder: Path, now_ms: int) -> tuple[list[ComparedTrade], list[tuple[str, int]]]:
    """Orders that nobody filled, and those that the venue never took."""
    with closing(IntentJournal.reading(folder / JOURNAL)) as journal:
        return unfilled_orders(journal, now_ms=now_ms), never_taken(journal)


def _of_journal[T](folder: Path, now_ms: int, read: Callable[..., list[T]]) -> list[T]:
    """The account's trades; of a paper account it is known what of a fee was slippage."""
    with ExitStack() as stack:
        journal = stack.enter_context(closing(IntentJournal.reading(folder / JOURNAL)))
        if not (folder / PAPER).exists():
            return read(journal, now_ms=now_ms)
        book = stack.enter_context(closing(PaperBook(folder / PAPER, 1.0)))
        return read(journal, now_ms=now_ms, charged=lambda fill: book.slippage_of(fill.trade_id))
