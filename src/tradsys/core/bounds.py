"""Numbers that somebody sets: finite and inside their bounds, or a ConfigError that names them."""

from math import isfinite, nan
from numbers import Real

from tradsys.core.errors import ConfigError


def demand_number(
    name: str,
    value: object,
    why: str,
    *,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
) -> None:
    """A ConfigError unless the value is one finite number, at least `least`, at most `most` and more than `above`.

    `why` ends the sentence: what the bounds mean, or which value is usual.
    """
    wanted = "a finite number"
    number = nan
    if not isinstance(value, bool) and isinstance(value, Real):
        number = float(value)
    if isfinite(number):
        if least is not None and number < least:
            wanted = f"at least {least:g}" if least else "not negative"
        elif most is not None and number > most:
            wanted = f"at most {most:g}"
        elif above is not None and number <= above:
            wanted = f"more than {above:g}" if above else "positive"
        else:
            return
    must = "must not be negative" if wanted == "not negative" else f"must be {wanted}"
    raise ConfigError(f"{name} {must}, was {value!r}; {why}")
