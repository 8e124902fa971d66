"""A position in one-way mode: average entry, realised money, and where it would be liquidated."""

from dataclasses import dataclass


@dataclass(slots=True)
class Holding:
    """What is held of a symbol; `size` has its sign, `entry` is its average price."""

    size: float = 0.0
    entry: float = 0.0
    updated_ms: int = 0

    def fill(self, signed: float, price: float, size_decimals: int) -> float:
        """Take a fill, and return what it realised, before fees.

        >>> held = Holding()
        >>> held.fill(2.0, 100.0, 3), held.fill(1.0, 103.0, 3), held.entry
        (0.0, 0.0, 101.0)
        >>> held.fill(-4.0, 105.0, 3), held.size, held.entry
        (12.0, -1.0, 105.0)
        """
        before, after = self.size, round(self.size + signed, size_decimals) + 0.0
        closed = min(abs(signed), abs(before)) if before * signed < 0 else 0.0
        realised = closed * (price - self.entry) * (1.0 if before > 0 else -1.0)
        if after == 0:
            self.entry = 0.0
        elif before * signed >= 0:
            self.entry = (abs(before) * self.entry + abs(signed) * price) / abs(after)
        elif before * after < 0:
            self.entry = price
        self.size = after
        return realised

    def unrealised(self, mark: float) -> float:
        return self.size * (mark - self.entry)

    def liquidation(self, margin: float, maintenance: float) -> float | None:
        """The price at which `margin` (quote) and what is unrealised no longer cover the maintenance margin.

        Cross: the margin is the wallet with all else that is unrealised, less maintenance of the other positions.
        Isolated: it is what was set aside for this one. None where no price above zero does that.
        """
        if not self.size:
            return None
        side = 1.0 if self.size > 0 else -1.0
        price = (self.size * self.entry - margin) / (self.size * (1.0 - side * maintenance))
        return price if price > 0 else None
