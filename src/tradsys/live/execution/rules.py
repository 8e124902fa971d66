"""How patient and how careful the executor is."""

from dataclasses import dataclass

from tradsys.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ExecutionRules:
    """Times and fractions that the executor keeps to; `account` is what client ids are made of.

    `grace_ms` is how long an order whose answer was lost may still arrive: more than the venue's receive window (5 s
    at Binance), since only after it "there is no such order" is final. An entry that never arrived is sent once more
    until it is `entry_patience_ms` old, and what of it has not filled by then is cancelled.
    """

    account: str
    grace_ms: int = 6_000
    entry_patience_ms: int = 30_000
    max_truth_age_ms: int = 30_000
    """No entry on a symbol that was last looked at longer ago."""
    foreign_stop_fraction: float = 0.02
    """Distance of the stop of a position that no entry of ours explains, as a fraction of its entry price."""
    foreign_wait_ms: int = 1_000
    """How long a position must be unexplained before it is one: two answers of a venue may disagree for a moment."""
    n_stop_refusals: int = 3
    unsure_ms: int = 1_000
    """How long after it was sent a lost leg is waited for before another is placed: both would only reduce."""
    retry_ms: int = 1_000
    """Rest after a refused target or exit; it doubles up to `max_retry_ms`."""
    max_retry_ms: int = 10_000
    ask_timeout_ms: int = 1_500
    """How long one answer is waited for, where asking or cancelling again does no harm."""
    ask_again_ms: tuple[int, ...] = (50, 100, 200, 400)
    """Waits before what had no answer is asked or cancelled again; after them the look has failed."""
    settle_ms: int = 60_000
    """How long a flat symbol waits for the fills that explain it, before its trade ends for unknown reasons."""
    fills_overlap_ms: int = 60_000
    """Fills are asked for from this long before the last one that is known: some are shown late."""
    funding_every_ms: int = 60_000
    flatten_ms: int = 30_000
    """How long `flatten` tries before it says that something is left; later cycles go on."""
    flatten_wait_ms: int = 250
    n_rounds: int = 16
    """Looks and actions that one reconciliation makes at most."""
    urgent_wait_ms: int = 250
    """How long the next look waits for what is under way, while a position is bare or a leg is left over."""
    liquidation_prefixes: tuple[str, ...] = ("autoclose-", "adl_autoclose", "settlement_autoclose")

    def __post_init__(self) -> None:
        if not self.account:
            raise ConfigError("an account needs a name, found none; client order ids are made of it")
        if not 0 < self.foreign_stop_fraction < 1:
            raise ConfigError(
                f"foreign_stop_fraction must be between 0 and 1, was {self.foreign_stop_fraction}; 0.02 is usual"
            )
        if self.entry_patience_ms <= self.grace_ms:
            raise ConfigError(
                f"entry_patience_ms must be more than grace_ms, were {self.entry_patience_ms} and {self.grace_ms}; "
                "otherwise an entry that never arrived is never sent again"
            )
