"""What Prometheus reads of the bot: counts of all that happened, and where the account stands."""

from collections.abc import Mapping
from typing import Any, Final

from tradsys.live.state import TradingState
from tradsys.live.watching.health import Health

KINDS: Final = (
    *("started", "stopped", "bar", "decision", "denied", "order_sent", "order_known", "order_refused", "order_unknown"),
    *(
        "fill",
        "protected",
        "unprotected",
        "exit",
        "cancelled",
        "foreign",
        "risk",
        "state",
        "command",
        "error",
        "halted",
    ),
)
"""Kinds of events that are counted by name; any other is counted as `other`, so that labels stay few."""

GAUGES: Final = {
    "equity_quote": "Equity, realised and unrealised, in quote currency",
    "peak_quote": "Highest equity so far",
    "drawdown": "Fraction of the peak that is lost",
    "day_loss": "Fraction of the UTC day's start that is lost",
    "n_orders_minute": "Orders sent in the last 60 seconds",
    "n_errors": "Calls to the venue that failed in a row",
    "n_open_trades": "Trades that are open",
    "notional_quote": "Gross notional of all positions",
    "n_unprotected": "Positions without a stop at the venue",
    "n_notifications_dropped": "Notifications that never left",
}
"""Figures of the status that are shown, by name."""


class Metrics:
    """A registry of its own. `on_event` listens to what is told; `set_figures` takes the status' numbers."""

    def __init__(self, health: Health) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge

        self._health = health
        self._registry = CollectorRegistry()
        self._events = Counter("tradsys_events", "What happened, by kind", ["kind"], registry=self._registry)
        self._denied = Counter("tradsys_denied", "Entries denied, by check", ["check"], registry=self._registry)
        self._state = Gauge("tradsys_state", "1 of the state that trading is in", ["state"], registry=self._registry)
        self._figures = {name: Gauge(f"tradsys_{name}", text, registry=self._registry) for name, text in GAUGES.items()}
        self._health_gauges = {
            name: Gauge(f"tradsys_{name}", text, registry=self._registry)
            for name, text in (
                ("healthy", "1 where the loop turns and bars come"),
                ("loop_age_s", "Seconds since the loop turned"),
                ("bar_age_s", "Seconds since the last bar's close"),
            )
        }
        for kind in KINDS:
            self._events.labels(kind)

    def on_event(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Count it."""
        self._events.labels(kind if kind in KINDS else "other").inc()
        if kind == "denied":
            self._denied.labels(str(fields.get("check", "other"))).inc()
        if kind == "state" and "state" in fields:
            self._set_state(fields["state"])

    def set_figures(self, figures: Mapping[str, Any]) -> None:
        """Show those of the status' figures that are shown, and the state."""
        for name, gauge in self._figures.items():
            value = figures.get(name)
            if isinstance(value, int | float):
                gauge.set(value)
        if "state" in figures:
            self._set_state(figures["state"])

    def page(self) -> bytes:
        """The text that Prometheus reads."""
        from prometheus_client import generate_latest

        for name, value in self._health.to_dict().items():
            if name in self._health_gauges:
                self._health_gauges[name].set(value)
        return generate_latest(self._registry)

    def _set_state(self, state: object) -> None:
        for one in TradingState:
            self._state.labels(one.value).set(one.value == state)
