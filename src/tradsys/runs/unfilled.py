"""What became of decisions that no venue would have filled: nobody traded in their bar, or they were too small."""

from tradsys.runs.metrics import ProfileMetrics

_WHY = {
    "no volume": "{n} found nobody who traded in the bar that would have filled {them}",
    "too small": "{n} {were} smaller than a venue takes",
    "no barriers": "{n} had a target or a stop nearer than the price can tell",
}
_UNSOLD = "unsold"


def unfilled_sentence(metrics: ProfileMetrics) -> str:
    """How many of a profile's decisions were not filled and why, and what it could not sell; empty where nothing was.

    Decisions while in position or beyond the cap are refused by its own rules and not told here.
    """
    parts = []
    for reason, words in _WHY.items():
        if n := metrics.not_taken.get(reason, 0):
            them, were = ("it", "was") if n == 1 else ("them", "were")
            parts.append(words.format(n=f"{n:,}", them=them, were=were))
    n_orders = metrics.n_orders
    wanted = f"{metrics.n_decisions:,} decisions" if n_orders is None else f"{n_orders:,} orders"
    found = [f"of {wanted} {', '.join(parts)}"] if parts else []
    if n := metrics.exit_reasons.get(_UNSOLD, 0):
        held = "1 position that nobody took is" if n == 1 else f"{n:,} positions that nobody took are"
        found.append(f"{held} valued at the last price")
    return "; ".join(found)
