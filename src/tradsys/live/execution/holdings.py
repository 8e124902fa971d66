"""What of a spot account's coins is a position of ours: what the journal's fills bought and have not sold again.

A spot venue knows no positions, only balances, and does not know whose they are. Coins that somebody held before, or
buys by hand beside the bot, are never counted, sold or protected; what they do is neither profit nor loss of ours.
"""

from dataclasses import replace
from typing import Final, cast

from tradsys.live.execution.intent import Trade
from tradsys.live.execution.ledger import TradeSums, sum_fills, unseen_base
from tradsys.live.intents import IntentJournal
from tradsys.live.venue import AccountState, CoinBalance, OrderRequest, PlacesPairs, Position, Venue, VenueOrder

SAME: Final = 1e-9
"""Sums of as many coins may differ by this fraction in their last digits."""


def own_part(account: AccountState, journal: IntentJournal) -> AccountState:
    """The account as it concerns the bot; one of a venue that knows positions is returned as it is.

    Its equity is all the money and our coins at the mark, those among them that were too few to be sold again. Of a
    coin never more is ours than the account holds. What the fills of our trades do not explain of it was not earned:
    deposits, withdrawals, gifts, conversions and what somebody traded by hand, whatever a venue tells of them.
    """
    if account.spot is None:
        return account
    positions, wallet, unrealised = list[Position](), account.spot.cash_quote, 0.0
    unearned = account.spot.cash_quote - journal.earned_cash()
    for coin in account.spot.coins:
        trade = journal.open_trade(coin.symbol)
        position = None if trade is None else _position(trade, coin, journal)
        held = 0.0
        if position is not None:
            positions.append(position)
            held = position.size_base
            wallet += held * position.entry_price
            unrealised += position.unrealised_quote
        bought = journal.base_left(coin.symbol)
        wallet += max(0.0, min(bought, coin.size_base) - held) * coin.mark_price
        if bought - coin.size_base > SAME * bought:  # somebody took coins of ours away
            unearned -= (bought - coin.size_base) * coin.mark_price
    return replace(
        account,
        wallet_quote=wallet,
        unrealised_quote=unrealised,
        positions=tuple(positions),
        unearned_quote=unearned,
    )


def _position(trade: Trade, coin: CoinBalance, journal: IntentJournal) -> Position | None:
    """What is left of the trade; what an order is told to have sold is gone, though its fill may not be known yet."""
    sums, sold_unseen = sums_of(trade, journal)
    size = min(sums.open_base - sold_unseen, coin.size_base)
    if not size > 0:
        return None
    gained = size * (coin.mark_price - sums.entry_price)
    return Position(coin.symbol, size, sums.entry_price, coin.mark_price, gained)


def sums_of(trade: Trade, journal: IntentJournal) -> tuple[TradeSums, float]:
    """The trade's fills added up, and what of its exits is told and not known by fills."""
    intents, fills = journal.intents(trade.key), journal.fills(trade.key)
    exits = [intent for intent in intents if intent.leg != "entry"]
    return sum_fills(trade, fills, {intent.client_id: intent for intent in intents}, ()), unseen_base(exits, fills)


def spare_base(account: AccountState, symbol: str) -> float:
    """How much more of a symbol's coin the account holds than is ours; an `own_part` is asked."""
    if account.spot is None:
        return 0.0
    held = sum(position.size_base for position in account.positions if position.symbol == symbol)
    return sum(coin.size_base for coin in account.spot.coins if coin.symbol == symbol) - held


def is_short_of(account: AccountState, symbol: str, journal: IntentJournal, lot: float) -> bool:
    """Whether the account holds less of a coin than is ours: then somebody else has sold what we bought."""
    trade = journal.open_trade(symbol)
    if account.spot is None or trade is None:
        return False
    sums, sold_unseen = sums_of(trade, journal)
    there = sum(coin.size_base for coin in account.spot.coins if coin.symbol == symbol)
    return sums.open_base - sold_unseen - there >= lot


def own_holdings(venue: Venue, journal: IntentJournal) -> Venue:
    """A spot venue, whose account is told as it concerns the bot."""
    return cast(Venue, OwnHoldings(venue, journal))


class OwnHoldings:
    """A spot venue whose account is told as it concerns the bot; everything else is the venue's."""

    def __init__(self, venue: Venue, journal: IntentJournal) -> None:
        self._venue, self._journal = venue, journal

    def __getattr__(self, name: str) -> object:
        return getattr(self._venue, name)

    async def account(self) -> AccountState:
        """See `own_part`."""
        return own_part(await self._venue.account(), self._journal)

    async def place_pair(self, stop: OrderRequest, target: OrderRequest) -> tuple[VenueOrder, VenueOrder]:
        """Here by name: who asks whether a venue takes pairs looks at what its class has."""
        return await cast(PlacesPairs, self._venue).place_pair(stop, target)
