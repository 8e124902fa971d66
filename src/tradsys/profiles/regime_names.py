"""What the regimes are called, which are ordered by volatility."""


def regime_names(n_regimes: int) -> tuple[str, ...]:
    """Quiet, trend and panic where there are three, as everywhere by default; else the ends and numbers between.

    >>> regime_names(3), regime_names(4)
    (('quiet', 'trend', 'panic'), ('quiet', 'regime 1', 'regime 2', 'wildest'))
    """
    if n_regimes == 3:
        return "quiet", "trend", "panic"
    return tuple(["quiet", *(f"regime {k}" for k in range(1, n_regimes - 1)), "wildest"][:n_regimes])
