"""Who decided in a run, fold by fold, which profile is deployed, and what each challenger lacked, in sentences."""

from collections.abc import Sequence
from itertools import groupby

from tradsys.runs.metrics import ChallengerMetrics, FoldMetrics, RunMetrics


def deciding_sentences(metrics: RunMetrics, deployed: str) -> list[str]:
    """The deployed profile and the deciders, a sentence a challenger that is not in the bundle, and lost networks."""
    folds = metrics.folds
    if not folds:
        return [f"{deployed} is deployed; there was no fold in which anybody decided"]
    return [_who_decided(folds, deployed), *_missing(folds), *_without_network(folds)]


def lacked(fold: FoldMetrics, name: str) -> str:
    """What kept a challenger from deciding in a fold, with the numbers of the comparison.

    >>> fold = FoldMetrics.model_construct(decider="logistic", challengers={"resnet": ChallengerMetrics(n=0)})
    >>> lacked(fold, "resnet")
    'no forecasts of earlier folds to be compared by'
    """
    one = fold.challengers[name]
    if one.value is None:
        return "no forecasts of earlier folds to be compared by"
    gained = f"{_gained(one)} millinats over the logistic in earlier folds (n = {one.n:,})"
    if one.needed is None:
        return f"{gained}, of too few labels for a standard error, without which nobody takes over"
    if one.value > one.needed > 0:
        return f"{gained}, needed more than {one.needed:+.2f}, and {fold.decider} was the surer one"
    return f"{gained}, needed more than {one.needed:+.2f}"


def counted_folds(numbers: Sequence[int]) -> str:
    """Folds by their numbers, counted from 1.

    >>> counted_folds([0]), counted_folds([0, 1, 2]), counted_folds([0, 2, 3])
    ('fold 1', 'folds 1 to 3', 'folds 1, 3 and 4')
    """
    shown = [str(number + 1) for number in numbers]
    if len(shown) == 1:
        return f"fold {shown[0]}"
    if numbers[-1] - numbers[0] == len(numbers) - 1 and len(numbers) > 2:
        return f"folds {shown[0]} to {shown[-1]}"
    return f"folds {', '.join(shown[:-1])} and {shown[-1]}"


def _who_decided(folds: Sequence[FoldMetrics], deployed: str) -> str:
    """All deciders, in the order in which they took over."""
    last = folds[-1]
    bundle = "" if last.n_train is None else " and in the bundle"
    stretches = [(name, [fold.fold for fold in held]) for name, held in groupby(folds, lambda fold: fold.decider)]
    if len(stretches) == 1:
        where = "the one fold" if len(folds) == 1 else f"all {len(folds)} folds"
        return f"{deployed} is deployed; {last.decider} decides in {where}{bundle}"
    parts = [f"{name} in {counted_folds(numbers)}" for name, numbers in stretches]
    return f"{deployed} is deployed; it is decided by {', then '.join(parts)}{bundle}"


def _missing(folds: Sequence[FoldMetrics]) -> list[str]:
    """A sentence for each challenger that the bundle does not decide by."""
    last = folds[-1]
    found = []
    for name in last.challengers:
        if name == last.decider:
            continue
        before = [fold.fold for fold in folds if fold.decider == name]
        elsewhere = f", though it did in {counted_folds(before)}" if before else ""
        found.append(f"{name} does not decide in the last fold{elsewhere}: {lacked(last, name)}")
    return found


def _without_network(folds: Sequence[FoldMetrics]) -> list[str]:
    """A sentence for each network of which nothing was kept in some folds."""
    names = dict.fromkeys(name for fold in folds for name in fold.without_network)
    found = []
    for name in names:
        lost = [fold for fold in folds if name in fold.without_network]
        where = counted_folds([fold.fold for fold in lost])
        found.append(f"{name} is the linear model alone in {where}: {lost[-1].without_network[name]}")
    return found


def _gained(one: ChallengerMetrics) -> str:
    if one.low is None or one.high is None:
        return f"{one.value:+.2f}"
    return f"{one.value:+.2f} [{one.low:+.2f}, {one.high:+.2f}]"
