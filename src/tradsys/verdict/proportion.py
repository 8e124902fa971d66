"""The exact (Clopper-Pearson) interval of a share."""

from scipy.special import betaincinv


def clopper_pearson(k: float, n: float, *, tail: float = 0.025) -> tuple[float, float]:
    """Interval of a share of k in n, at 95% unless another `tail` is left out at each end.

    Neither needs to be whole: `n` may be what overlapping observations are worth.

    >>> clopper_pearson(19, 24)
    (0.578..., 0.928...)

    Clopper & Pearson, *Biometrika* 26 (1934), p. 404.
    """
    low = betaincinv(k, n - k + 1, tail) if k > 0 else 0.0
    high = betaincinv(k + 1, n - k, 1.0 - tail) if k < n else 1.0
    return float(low), float(high)
