"""What was paid into the account and out of it since it was first looked at, as far as venue and journal tell."""

from typing import Final

from tradsys.live.clock import Clock
from tradsys.live.risk.remembered import Remembered
from tradsys.live.risk.risk import Risk
from tradsys.live.state import Flags
from tradsys.live.venue import AccountState, TellsTransfers, Venue

TRANSFERS: Final = "risk.transfers"
OVERLAP_MS: Final = 3_600_000
"""A history may show a transfer late; so far back it is read again, and each transfer counts once."""


class TransferRecord:
    """The sum of all transfers, kept through restarts; the venue is asked only where the wallet has changed."""

    def __init__(self, flags: Flags, clock: Clock) -> None:
        self._clock = clock
        self._remembered = Remembered(flags, TRANSFERS)
        kept = self._remembered.read() or {"sum_quote": 0.0, "from_ms": clock.now_ms(), "seen": {}}
        self.sum_quote, self._from_ms = float(kept["sum_quote"]), int(kept["from_ms"])
        self._base_quote: float | None = kept.get("base_quote")
        self._seen: dict[str, int] = {str(name): int(ts_ms) for name, ts_ms in kept["seen"].items()}
        self._wallet_quote: float | None = None
        self._keep()

    async def read(self, venue: TellsTransfers, wallet_quote: float) -> bool:
        """Ask what is new where the wallet is another than when it was last asked; whether there was something."""
        if wallet_quote == self._wallet_quote:
            return False
        now_ms = self._clock.now_ms()
        found = await venue.transfers(self._from_ms)
        new = [transfer for transfer in found if transfer.transfer_id not in self._seen]
        self.sum_quote += sum(transfer.amount_quote for transfer in new)
        self._from_ms = max(self._from_ms, now_ms - OVERLAP_MS)
        seen = self._seen | {transfer.transfer_id: transfer.ts_ms for transfer in new}
        self._seen = {name: ts_ms for name, ts_ms in seen.items() if ts_ms >= self._from_ms}
        self._keep()
        self._wallet_quote = None if new else wallet_quote
        return bool(new)

    def tell(self, unearned_quote: float) -> None:
        """What of the account its trades have not earned; the first time it is what was there to begin with."""
        if self._base_quote is None:
            self._base_quote = unearned_quote - self.sum_quote
            self._keep()
        self.sum_quote = unearned_quote - self._base_quote

    def _keep(self) -> None:
        base = {} if self._base_quote is None else {"base_quote": self._base_quote}
        self._remembered.keep({"sum_quote": self.sum_quote, "from_ms": self._from_ms, "seen": self._seen, **base})


async def look(risk: Risk, record: TransferRecord, venue: Venue, account: AccountState | None = None) -> AccountState:
    """One look at the account that risk has measured, transfers taken out; a VenueUnknown where an answer is missing.

    `account` is it where it was asked for already, and nothing was done since.

    What a transfer did to the wallet and what is told of it are to be of one moment: after a new one the account is
    asked for again.
    """
    if account is None:
        account = await venue.account()
    if account.unearned_quote is not None:
        record.tell(account.unearned_quote)
        risk.observe(account, record.sum_quote)
        return account
    if not isinstance(venue, TellsTransfers):
        risk.observe(account)
        return account
    if await record.read(venue, account.wallet_quote):
        account = await venue.account()
    risk.observe(account, record.sum_quote)
    return account
