"""What a Binance USD-M exchange says no with: its codes and its words."""


class Refusal(Exception):
    """A definite no, with Binance's code; nothing was changed."""

    def __init__(self, code: int, text: str, status: int = 400) -> None:
        super().__init__(f"{code} {text}")
        self.code, self.text, self.status = code, text, status


def unknown_symbol() -> Refusal:
    return Refusal(-1121, "Invalid symbol.")


def not_trading() -> Refusal:
    return Refusal(-4108, "Symbol is on delivering or delivered or settling or closed or pre-trading.")


def imprecise() -> Refusal:
    return Refusal(-1111, "Precision is over the maximum defined for this asset.")


def off_tick() -> Refusal:
    return Refusal(-4014, "Price not increased by tick size.")


def too_small() -> Refusal:
    return Refusal(-4003, "Quantity less than or equal to zero.")


def too_large() -> Refusal:
    return Refusal(-4005, "Quantity greater than max quantity.")


def small_notional(least: float) -> Refusal:
    return Refusal(-4164, f"Order's notional must be no smaller than {least:g} (unless you choose reduce only).")


def price_too_high(limit: float) -> Refusal:
    return Refusal(-4016, f"Limit price can't be higher than {limit:g}.")


def price_too_low(limit: float) -> Refusal:
    return Refusal(-4024, f"Limit price can't be lower than {limit:g}.")


def too_many_orders() -> Refusal:
    return Refusal(-2025, "Reach max open order limit.")


def too_many_stops() -> Refusal:
    return Refusal(-4045, "Reach max stop order limit.")


def duplicated_id() -> Refusal:
    return Refusal(-4116, "ClientOrderId is duplicated.")


def bad_id() -> Refusal:
    return Refusal(-4015, "Client order id is not valid: 1 to 36 characters of [.A-Z:/a-z0-9_-].")


def would_trigger() -> Refusal:
    return Refusal(-2021, "Order would immediately trigger.")


def not_reducing() -> Refusal:
    return Refusal(-2022, "ReduceOnly Order is rejected.")


def no_margin() -> Refusal:
    return Refusal(-2019, "Margin is insufficient.")


def no_such_order() -> Refusal:
    return Refusal(-2013, "Order does not exist.")


def nothing_to_cancel() -> Refusal:
    return Refusal(-2011, "Unknown order sent.")


def bad_parameter(name: str) -> Refusal:
    return Refusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
