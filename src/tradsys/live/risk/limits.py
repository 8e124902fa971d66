"""How much may be lost, held and done before entries stop or the bot does."""

from dataclasses import dataclass, fields

from tradsys.core.bounds import demand_number
from tradsys.core.errors import ConfigError
from tradsys.settings.trade import TradeSettings


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """Limits of one account; a value that is exactly at its limit still passes.

    - `daily_loss`: fraction of the equity at the UTC day's start that the day may lose, open positions included; more
      and nothing is entered until the next day. 0.05: a strategy with 40% volatility a year loses that on a day in 100.
    - `max_drawdown`: fraction of the highest equity that may be lost; more and the bot exits and halts. 0.2: what was
      proven seldom lost as much, so that what loses more is not what was proven.
    - `max_notional`: gross notional of positions and entries as a multiple of the equity. 2: portfolios take up to 1 of
      the equity at entry, and twice that is a fault rather than a price that moved.
    - `max_open_trades`: trades open at once. 10: a trade a symbol, of as many symbols as close together without haste.
    - `orders_per_minute`: orders sent in any 60 s, protection and exits among them; entries count 3 each (a stop and a
      target follow). 60: ten symbols that all enter within a minute, twice.
    - `max_errors`: calls to the venue that failed in a row; as many and nothing is entered until one succeeds. 5: one
      lost answer is usual, five are an outage.
    - `stale_data_s`: seconds that an entry may leave after the close that decided it, and that its symbol's last known
      close may be old. 30: an entry is decided within seconds; later than that the price is another.
    - `cooldown_s`: seconds without entry in a symbol after a trade in it has lost. 0: research enters again at once,
      and live is to do what was researched.
    - `liquidation_distance`: fraction of the mark price between it and the liquidation price; nearer and the bot exits
      and halts. 0.1: stops end a trade long before, and leverage above 9 is refused by it in effect.
    - `drift_share`: share of a symbol's features, over its last `drift_rows` bars, outside the band that holds 98% of
      the training part; more and it is not entered. 0.5: 0.02 is expected, and half is another market.
    - `drift_rows`: bars that the share is taken over. 24: one day of hours, so that one odd bar stops nothing.
    """

    daily_loss: float = 0.05
    max_drawdown: float = 0.2
    max_notional: float = 2.0
    max_open_trades: int = 10
    orders_per_minute: int = 60
    max_errors: int = 5
    stale_data_s: float = 30.0
    cooldown_s: float = 0.0
    liquidation_distance: float = 0.1
    drift_share: float = 0.5
    drift_rows: int = 24

    def __post_init__(self) -> None:
        for name in ("daily_loss", "max_drawdown", "drift_share"):
            demand_number(name, getattr(self, name), "it is a fraction, such as 0.05", above=0.0, most=1.0)
        demand_number(
            "liquidation_distance", self.liquidation_distance, "it is a fraction; 0.1 is usual", least=0.0, most=0.99
        )
        demand_number("max_notional", self.max_notional, "it is a multiple of the equity; 2 is usual", above=0.0)
        demand_number("stale_data_s", self.stale_data_s, "it is in seconds; 30 is usual", above=0.0)
        demand_number("cooldown_s", self.cooldown_s, "it is in seconds; 0 is none", least=0.0)
        for name in ("max_open_trades", "orders_per_minute", "max_errors", "drift_rows"):
            value = getattr(self, name)
            demand_number(name, value, "it is a count", least=1)
            if not isinstance(value, int):
                raise ConfigError(f"{name} must be a whole number, was {value!r}; it is a count")


def limits_of(settings: TradeSettings) -> RiskLimits:
    """The limits that the settings ask for."""
    return RiskLimits(
        **{one.name: getattr(settings, one.name) for one in fields(RiskLimits) if one.name != "drift_rows"}
    )
