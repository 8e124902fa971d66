"""The decision of a predictor at the close of one bar."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision at the close of one bar, to be filled no earlier than the next open.

    `side` (+1 or -1) has the larger expected net return and `probability` is its calibrated chance that the target
    comes first; `rank` places it among the training part's out-of-fold confidences; `regime` holds the filtered
    probabilities of quiet, trend and panic; `audit` the auditor's probability that the trade makes money. `action` is
    -1, 0 or 1, `size` a share of the full size, the distances are in price units from the entry and `horizon` (bars)
    ends the trade in time.
    """

    start: datetime
    symbol: str
    side: int
    probability: float
    rank: float
    regime: tuple[float, ...]
    audit: float
    action: int
    size: float
    stop_distance: float
    target_distance: float
    horizon: int
    reason: str
