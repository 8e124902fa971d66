"""The parts of `metrics.json` that carry no verdict: look-ahead, drift, importance, families, supervisor, selection."""

from collections.abc import Mapping

from pydantic import Field

from tradsys.runs.section import Band, MeasuredGain, Measurements, Number, RunSection


class LookaheadFinding(RunSection):
    """A value that changed when the future was taken away."""

    part: str
    column: str
    symbol: str
    row: int
    start: str
    bars_ahead: int | None = None


class RowsCheckedMetrics(RunSection):
    """Single rows of the features that were computed again: `n_random` drawn from `n_rows`, `n_cuts` in all.

    `unsettled` names features that read further back than they say.
    """

    n_random: int
    n_rows: int
    n_cuts: int
    unsettled: tuple[str, ...]


class LookaheadMetrics(RunSection):
    """How much was computed again on data cut at some points and in single rows, and what came out otherwise.

    `rows` is None for runs of ranks, and for older ones, which checked no single rows.
    """

    n_points: int
    n_values: int
    findings: tuple[LookaheadFinding, ...]
    rows: RowsCheckedMetrics | None = None


class AlignmentMetrics(RunSection):
    """Time stamps of pooled symbols and outside columns, compared over `n_rows` bars, 0 where there were too few.

    `allowed` are sentences of those that tell the next bar better than their own and that the settings let pass.
    """

    n_symbols: int
    n_columns: int
    n_rows: int
    sentence: str
    allowed: tuple[str, ...]
    noticed: tuple[str, ...]


class GiveawayMetrics(RunSection):
    """A column whose drift tells test from training rows, and its `share` in doing so on left-out blocks.

    `shift` is how much higher it stands in the test rows, and `spread` how widely, in standard deviations of the
    training rows; both are means of the folds where there are several.
    """

    column: str
    share: Number
    shift: Number
    spread: Number


class FoldDriftMetrics(RunSection):
    """One fold's AUC between training and test rows, .5 where nothing tells them apart for longer than a block.

    `ordinary` is the same between a stretch of the training part, as long as the test block, and the rest of that part,
    mean of its `n_stretches`; None where it holds no two of them.
    """

    fold: int
    auc: Number
    ordinary: Number
    n_stretches: int
    giveaways: tuple[GiveawayMetrics, ...]


class DriftMetrics(RunSection):
    """All folds: the mean AUC, the mean of what is ordinary, and by how much the one exceeds the other.

    `auc` is None where the test blocks are too short for what a row looks back on, and the sentence says so. Rows
    within `gap_bars` of a left-out block are not learnt from.
    """

    sentence: str
    auc: Band | None
    ordinary: Number
    excess: Band | None
    giveaways: tuple[GiveawayMetrics, ...]
    folds: tuple[FoldDriftMetrics, ...]
    gap_bars: int


class LossIncreaseMetrics(RunSection):
    """What shifting a cluster costs a forecast on average, with its 95% interval; None where history is too short."""

    millinats: Number
    low: Number
    high: Number
    n_blocks: int


class TreeGainMetrics(RunSection):
    """A cluster's share in what the trees' splits saved: mean of the folds, least and most."""

    share: Number
    least: Number
    most: Number


class ClusterMetrics(RunSection):
    """A cluster of like columns; `boosted` and `gain` are None where no trees were fitted, or where none ever split."""

    name: str
    columns: tuple[str, ...]
    deciding: LossIncreaseMetrics
    boosted: LossIncreaseMetrics | None
    gain: TreeGainMetrics | None


class ImportanceMetrics(RunSection):
    """Clusters in order of what the deciding models lose without them, over `n` forecasts of all test blocks.

    `deciders` says who decided in how many folds; columns whose |rank correlation| is above `cut` share a cluster.
    """

    clusters: tuple[ClusterMetrics, ...]
    deciders: Mapping[str, int]
    n: int
    cut: Number


class FamilyMetrics(RunSection):
    """What one family of columns from outside adds, and the gain over the base rate with it and without."""

    family: str
    columns: tuple[str, ...]
    gain: MeasuredGain | None
    over_base_with: Number
    over_base_without: Number


class FamiliesMetrics(RunSection):
    """Every family of outside columns that the features read."""

    forecaster: str
    n: int
    families: tuple[FamilyMetrics, ...]


class StateShare(RunSection):
    """Share of the test blocks in one state of the macro supervisor."""

    name: str
    share: Number


class SupervisedMetrics(RunSection):
    """What one of a supervised pair earned."""

    profit_total: Number
    sharpe: Number
    max_drawdown_account: Number
    total_trades: Number


class DailyDifference(Band):
    """Mean daily net return of one profile less another's, a year."""

    n_days: int
    n_blocks: int


class SupervisedPair(RunSection):
    """A profile with the macro supervisor against the same without it."""

    profile: str
    supervised: str
    risk_off_size: Number
    without: SupervisedMetrics
    with_supervisor: SupervisedMetrics = Field(alias="with")
    difference: DailyDifference


class SupervisorMetrics(RunSection):
    """States of the test blocks and supervised pairs; both empty where nobody supervises."""

    states: tuple[StateShare, ...] = ()
    pairs: tuple[SupervisedPair, ...] = ()


class FoldChoiceMetrics(RunSection):
    """What one fold's training part settled on, and the record that it chose by."""

    fold: int
    profile: str
    threshold: Number
    blocked_regimes: tuple[int, ...]
    description: str
    record: str
    why: str
    n_days: int
    n_trades: int
    sharpe: Number
    best_sharpe: Number
    standard_error: Number


class ChosenMetrics(RunSection):
    """What choosing in each fold among `n_candidates` would have earned; it carries no verdict."""

    sentence: str
    n_candidates: int
    rank_thresholds: tuple[float, ...]
    folds: tuple[FoldChoiceMetrics, ...]
    metrics: Measurements


class ProfilePaths(RunSection):
    """A profile's net Sharpe ratio along every path; `naive_interval` takes the paths for independent."""

    sharpes: tuple[Number, ...]
    n_trades: tuple[int, ...]
    mean: Number
    interval: tuple[Number, Number] | None
    naive_interval: tuple[Number, Number] | None
    correlation: Number


class PathsMetrics(RunSection):
    """Combinatorial purged paths, or the `reason` why there are none."""

    reason: str = ""
    n_groups: int | None = None
    n_test_groups: int | None = None
    n_splits: int | None = None
    n_paths: int | None = None
    forecaster: str = ""
    groups_from: tuple[str, ...] = ()
    n_days: int | None = None
    profiles: Mapping[str, ProfilePaths] = {}
