"""Which columns from outside a predictor reads: what a bot must be given at each close beside the bar itself."""

from tradsys.core.carry import COLUMNS
from tradsys.features.feature import OutsideFeature
from tradsys.predictor.storage import PredictorParts


def outside_needs(predictor: PredictorParts) -> tuple[str, ...]:
    """Names of the columns, of features, of the supervisor and of funding, each once, in alphabetical order."""
    needed = {name for one in predictor.features.features if isinstance(one, OutsideFeature) for name in one.needs}
    if predictor.supervisor is not None:
        needed |= set(predictor.supervisor.needs)
    if predictor.valuation.holding is not None and predictor.valuation.holding.has_rates:
        needed |= set(COLUMNS)
    return tuple(sorted(needed))
