"""What came to a Binance futures account and went: pages of its income, and which of it nobody earned by trading.

Of the kinds that Binance documents (`incomeType` of `GET /fapi/v1/income`) results of trading are REALIZED_PNL,
FUNDING_FEE, COMMISSION, INSURANCE_CLEAR, COMMISSION_REBATE, API_REBATE, FEE_RETURN, DELIVERED_SETTELMENT (spelt so),
POSITION_LIMIT_INCREASE_FEE, OPTIONS_PREMIUM_FEE and OPTIONS_SETTLE_PROFIT. One that is new here counts as a result
too: a loss that is none stops entries, one that is overlooked does not.
"""

from typing import Any, Final

from tradsys.live.venue import CashTransfer
from tradsys.live.venues.binance_client import MOST_ROWS, BinanceClient
from tradsys.live.venues.ccxt_venue import readable

TRANSFER: Final = "TRANSFER"
MOVED: Final = frozenset(
    {
        TRANSFER,
        "INTERNAL_TRANSFER",  # between accounts
        "CROSS_COLLATERAL_TRANSFER",  # borrowed against other coins, and paid back
        "STRATEGY_UMFUTURES_TRANSFER",  # to and from the account of a strategy of Binance's
        "COIN_SWAP_DEPOSIT",  # one coin turned into another: of either only what is in the quote currency counts
        "COIN_SWAP_WITHDRAW",
        "AUTO_EXCHANGE",
        "WELCOME_BONUS",  # gifts, and what is paid for other things than trades of this account
        "CONTEST_REWARD",
        "REFERRAL_KICKBACK",
        "BFUSD_REWARD",
    }
)
"""Kinds of income that are neither profit nor loss."""


async def income_of(venue: BinanceClient, what: str, start_ms: int, **of: str) -> list[dict[str, Any]]:
    """Rows of the account's income from then on, each once, by their times."""
    found, page = dict[tuple[int, str], dict[str, Any]](), 1
    while True:
        rows = await venue.ask_signed("fapiPrivateGetIncome", startTime=start_ms, page=page, limit=MOST_ROWS, **of)
        n_before = len(found)
        with readable(venue.name, what):
            found |= {(int(row["time"]), _id(row)): row for row in rows}
        if len(rows) < MOST_ROWS or len(found) == n_before:
            return [found[key] for key in sorted(found)]
        page += 1


async def transfers_of(venue: BinanceClient, start_ms: int) -> list[CashTransfer]:
    """What was moved in and out of the quote currency; one question for all kinds, which weighs as much as for one."""
    rows = await income_of(venue, "transfers", start_ms)
    with readable(venue.name, "transfers"):
        return [
            CashTransfer(_transfer_id(row), float(row["income"]), int(row["time"]))
            for row in rows
            if row["incomeType"] in MOVED and row["asset"] == venue.quote
        ]


def _id(row: dict[str, Any]) -> str:
    """Binance's ids are unique within a kind; the parts of a trade, and of a swap, share one."""
    return "-".join(str(row.get(part, "")) for part in ("tranId", "incomeType", "symbol", "asset", "tradeId"))


def _transfer_id(row: dict[str, Any]) -> str:
    kind = row["incomeType"]
    return str(row["tranId"]) if kind == TRANSFER else f"{kind}-{row['tranId']}"
