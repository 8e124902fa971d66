"""The sections of the settings: what each is about, its keys, and the reason for each default."""

from collections.abc import Mapping
from contextlib import suppress
from math import nan
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, model_validator

from tradsys.backtest.margin_spec import MarginSpec
from tradsys.core.costs import ESTIMATED, LARGEST_REBATE_BPS, MOST_BORROW_BPS_PER_YEAR, MOST_BPS, Estimated, Instrument
from tradsys.core.errors import ConfigError
from tradsys.core.identity import NOT_IDENTITY
from tradsys.core.least_notional import least_notional
from tradsys.core.limit_entry import MOST_BARS, EntryKind, LimitEntry
from tradsys.core.settings import SettingsSection
from tradsys.core.traded import NoVolume
from tradsys.models.registry import check_agent, is_network

type JournalPreset = Literal["journal-base", "journal-trial0", "journal-golden", "journal-challenger"]
PRESETS: Final[tuple[JournalPreset, ...]] = get_args(JournalPreset.__value__)

EPOCH_STEPS = 16
"""Optimiser steps that stand for one of the journal's epochs: 25 of them are the default budget of 400."""

_SHAPES: Mapping[JournalPreset, Mapping[str, Any]] = {
    "journal-base": {"d_model": 64, "n_layers": 2, "n_heads": 4},
    "journal-trial0": {"d_model": 128, "n_layers": 3, "n_heads": 2, "learning_rate": 6.7e-5, "dropout": 0.23},
    "journal-golden": {"d_model": 128, "n_layers": 2, "n_heads": 4},
    "journal-challenger": {"d_model": 128, "n_layers": 4, "n_heads": 2, "max_steps": 25 * EPOCH_STEPS},
}


def preset(name: str) -> Mapping[str, Any]:
    """The transformer's settings of that name; what a preset leaves out stays at its default.

    `journal-base` is where the journal began, `journal-trial0` what its tuner's first study liked, `journal-golden` the
    configuration it kept, and `journal-challenger` the deeper one that scored a little better and was unstable.
    """
    for known in PRESETS:
        if known == name:
            return MappingProxyType(dict(_SHAPES[known]))
    raise ConfigError(f"no transformer is called {name!r}; there are {', '.join(PRESETS)}")


type Share = Annotated[float, Field(gt=0, lt=1)]
type Count = Annotated[int, Field(ge=1)]
type Listed[T] = Annotated[tuple[T, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)]
"""One word is a list of one."""


def _known_rule(name: str) -> str:
    from tradsys.labels.registry import check_rule  # its rules are kernels, which who only reads settings need not load

    return check_rule(name)


class LabelSettings(SettingsSection):
    """Triple barrier: distances (CUSUM too) in ATR, horizon in bars; 1.5 / 1.5 / 24 did well on hourly bars.

    Distances are multiples of what `rule` measures: `atr` over `atr_period` bars, `ewma_volatility` of
    `volatility_span` bars (100 as López de Prado has it), or a rule of a plugin. In a fit, labels weigh by `weights`,
    down to `time_decay` of that for the oldest; 1 decays nothing.
    """

    upper: float = Field(1.5, gt=0)
    lower: float = Field(1.5, gt=0)
    horizon: Count = 24
    atr_period: Count = 14
    rule: Annotated[str, AfterValidator(_known_rule)] = "atr"
    volatility_span: Annotated[int, Field(ge=2)] = 100
    events: Literal["every", "cusum"] = "every"
    cusum_threshold: float = Field(1.0, gt=0)
    weights: Literal["uniqueness", "return"] = "uniqueness"
    time_decay: float = Field(1.0, gt=-1, le=1)


class FoldSettings(SettingsSection):
    """Purged walk-forward: `initial` only trains, `n_folds` blocks test, the last `lockbox` is left alone (0: none is).

    Beside it, combinatorial purged folds test every `path_tests` of `path_groups` groups, as paths that are shown and
    never judged; 0 groups, none.
    """

    initial: Share = 0.2
    n_folds: Count = 6
    lockbox: float = Field(0.2, ge=0, lt=1)
    path_groups: Annotated[int, Field(ge=0), NOT_IDENTITY] = 6
    path_tests: Annotated[Count, NOT_IDENTITY] = 2

    @model_validator(mode="after")
    def _leave_something_to_test(self) -> Self:
        if self.initial + self.lockbox >= 1:
            raise ValueError("initial and lockbox must add up to less than 1, or nothing is left to test")
        if 0 < self.path_groups <= self.path_tests:
            raise ValueError(
                "path_groups must be more than path_tests, or nothing is left to train on; 0 turns paths off"
            )
        return self


def _slippage(value: object) -> float | Estimated:
    """A number of basis points, as a number or as text, or the word."""
    if value == ESTIMATED:
        return ESTIMATED
    number = nan
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        with suppress(ValueError):
            number = float(value)
    if not 0 <= number <= MOST_BPS:
        raise ValueError(f"input should be {ESTIMATED!r}, or a number from 0 to {MOST_BPS:g}")
    return number


class CostSettings(SettingsSection):
    """Fees in basis points of notional; a long pays the funding and a short receives it, a short pays the borrowing.

    `slippage_bps` is estimated from the bars month by month, or a number that holds for all of them.
    `funding_bps_per_8h` is a constant for bars without the funding that was settled: see section funding.
    """

    taker_bps: float = Field(5.0, ge=0, le=MOST_BPS)
    maker_bps: float = Field(2.0, ge=-LARGEST_REBATE_BPS, le=MOST_BPS)
    slippage_bps: Annotated[float | Estimated, PlainValidator(_slippage)] = ESTIMATED
    funding_bps_per_8h: float = Field(0.0, ge=-MOST_BPS, le=MOST_BPS)
    borrow_bps_per_year: float = Field(0.0, ge=0, le=MOST_BORROW_BPS_PER_YEAR)


class PortfolioSettings(SettingsSection):
    """Size of a position as a fraction of equity (unset: an equal share a symbol), capped in total; steps (0: none).

    All is liquidated where the equity is at most `maintenance` of the notional, which then takes `liquidation_fee_bps`
    of it: 0.5% is the smallest tier's rate on most venues, and most keep the margin that was left.
    In a bar without volume nothing is filled: an entry lapses, as an order that is cancelled at once, or waits for the
    next bar with trades, as `no_volume` says. Entries below `min_notional` are refused (unset: 5, as most venues ask,
    or a 2,000th of the cash where that is less; ranks have none unless it is set).
    An `entry` at the market is filled at the next open; a limit order rests there, or `entry_offset` of the way to the
    stop inside it, is filled once a bar trades through it, and lapses after `entry_bars` bars.
    """

    fraction: float | None = Field(None, gt=0)
    cap: float = Field(1.0, gt=0)
    cash_quote: float = Field(10_000.0, gt=0)
    tick: float = Field(0.0, ge=0)
    lot: float = Field(0.0, ge=0)
    min_notional: float | None = Field(None, ge=0)
    sides: Annotated[Listed[Literal["long", "short"]], Field(min_length=1)] | None = None
    maintenance: float = Field(0.005, ge=0, le=0.5)
    liquidation_fee_bps: float = Field(50.0, ge=0, le=5_000)
    no_volume: NoVolume = "lapse"
    entry: EntryKind = "market"
    entry_offset: float = Field(0.0, ge=0, lt=1)
    entry_bars: Annotated[int, Field(ge=1, le=MOST_BARS)] = 1

    @property
    def limit_entry(self) -> LimitEntry | None:
        """How entries rest in the book, None where they are market orders."""
        return LimitEntry(self.entry_offset, self.entry_bars) if self.entry == "limit" else None

    @property
    def instrument(self) -> Instrument:
        """Steps and the smallest order of every symbol, as the simulation takes them."""
        least = least_notional(self.cash_quote) if self.min_notional is None else self.min_notional
        return Instrument(self.tick, self.lot, least)

    @property
    def margin(self) -> MarginSpec:
        """When positions are liquidated, as the simulation takes it."""
        return MarginSpec(self.maintenance, self.liquidation_fee_bps)


class AgentSettings(SettingsSection):
    """Who challenges the ridge logistic, which is nobody unless named; sizes are the transformer's, or a preset's.

    `max_steps` is the most optimiser steps of a fit; supcon takes three times the default, any other value as it is.
    `attention_start` is where the transformer's attention begins: anywhere, or on recent bars (`RecentTransformer`).
    """

    name: Annotated[str, AfterValidator(check_agent)] = "logistic"
    objective: Literal["bce", "focal", "supcon"] = "bce"
    preset: JournalPreset | None = None
    d_model: Count = 64
    n_layers: Count = 2
    n_heads: Count = 4
    window: Count = 60
    dropout: float = Field(0.0, ge=0, lt=1)
    learning_rate: float = Field(5e-4, gt=0)
    max_steps: Count = 400
    focal_gamma: float = Field(2.0, ge=0)
    focal_alpha: float | None = Field(None, gt=0, lt=1)
    penalty: float | None = Field(None, gt=0)
    attention_start: Literal["ordinary", "recent"] = "ordinary"

    @model_validator(mode="before")
    @classmethod
    def _take_sizes_of_the_preset(cls, values: Any) -> Any:
        """Sizes that nobody set are the preset's, and stored as such, so that what is stored is what is fitted."""
        if isinstance(values, dict) and values.get("preset") in PRESETS:
            return {**preset(values["preset"]), **values}
        return values

    @property
    def shape(self) -> dict[str, Any]:
        """The transformer's size and training."""
        names = ("d_model", "n_layers", "n_heads", "window", "dropout", "learning_rate", "max_steps")
        return {name: getattr(self, name) for name in names}

    @property
    def is_network(self) -> bool:
        """Whether torch is needed to fit it."""
        return is_network(self.name)


class FeatureSettings(SettingsSection):
    """Names of the features; none means the default set of FEATURES, with regime x momentum."""

    names: Annotated[Listed[str], Field(min_length=1)] | None = None


class MacroSettings(SettingsSection):
    """Daily closes of other markets: `NAME=SOURCE[|SOURCE][?calendar=..&lag_h=..&tolerance_days=..&risk=..]` each.

    A source is a file with the columns date, close, or fred:ID, yahoo:SYMBOL, bars:FILE (a coin in its place) or
    rates:fred (the dollar index from six rates); the second one is a fallback. Each profile in `supervise`, NAME or
    NAME=SIZE, gets a twin that keeps SIZE of its size in risk-off, 0 unless given.
    """

    series: Listed[str] = ()
    supervise: Listed[str] = ()


class BookSettings(SettingsSection):
    """Order books, `[SYMBOL=]FILE[?lag_s=..&tolerance_s=..]` each: snapshots, or updates with sequence numbers.

    Without times of receipt a state counts as received `lag_s` (1) after its stamp; a bar knows one that is no older
    than `tolerance_s`, one bar unless given. The features `book_pressure`, `order_flow` and `book_shape` read them.
    """

    files: Listed[str] = ()


class PositionSettings(SettingsSection):
    """Open interest, basis and liquidations, `[SYMBOL=]SOURCE[?lag_s=..&tolerance_s=..&every_s=..]` each.

    A source is a file with the columns open_interest, basis, or liq_sell and liq_buy, or a market of the store such as
    binance:BTC/USDT:USDT. Rows of a file say in `available_at` when they were out, or `lag_s` does; a level is known
    for `tolerance_s` (3600), and of rows every `every_s` half must be there for a bar's sum.
    """

    sources: Listed[str] = ()


class FundingSettings(SettingsSection):
    """What exchanges settled, `[SYMBOL=]FILE` or a stored `[SYMBOL=]VENUE:SYMBOL:funding` each, or `SYMBOL=none`.

    A file has the columns funding_time, rate and, where they are known, interval_hours; symbol, where it holds several.
    """

    files: Listed[str] = ()


class AlignmentSettings(SettingsSection):
    """Symbols and columns from outside that may tell another's next bar better than its own: looked at, and so.

    Any other that does is refused: where one is stamped otherwise, a run promises what nobody can earn.
    """

    allow_lead: Listed[str] = ()


class UniverseSettings(SettingsSection):
    """Symbols that are compared: the `size` most traded by median quote volume, chosen by what was known at the time.

    `listings` is a table with the columns symbol, listed, delisted; without it a symbol is listed since its first bar.
    """

    size: int = Field(30, ge=2)
    min_listed_days: int = Field(30, ge=0)
    volume_days: Count = 30
    rebalance_days: Count = 7
    listings: str = ""


class RankSettings(SettingsSection):
    """Long the `k` strongest, short the `k` weakest (unset: a fifth of those ranked each), every `horizon` bars.

    By the `signal` over `lookback` bars: the return, `standard` in standard deviations, `trend` in those of
    `risk_lookback` bars and cut at two, or `carry`, the funding that was paid, least first; 168 and 24 did best on
    hourly bars, in hindsight. `holds` is `extremes`, or all by their `ranks` or by their `signal` less its mean.
    `weighting` is `equal` or by `inverse_volatility`; longs and shorts are `neutral` in notional (`dollar`),
    `volatility` or `beta`. `overlap` holds the mean of so many choices, and `no_trade_band` leaves alone what is within
    so much of an average position from its target.
    """

    lookback: Count = 168
    horizon: Count = 24
    k: Count | None = None
    signal: Literal["return", "standard", "trend", "carry"] = "return"
    contrarian: bool = False
    holds: Literal["extremes", "ranks", "signal"] = "extremes"
    weighting: Literal["equal", "inverse_volatility"] = "equal"
    neutral: Literal["dollar", "volatility", "beta"] = "dollar"
    risk_lookback: Count = 720
    overlap: Count = 1
    no_trade_band: Annotated[float, Field(ge=0, le=1)] = 0.0


class RegimeSettings(SettingsSection):
    """Gaussian hidden Markov model of the market's states."""

    n_states: Annotated[int, Field(ge=2, le=5)] = 3
    n_starts: Count = 10


class ProfileSettings(SettingsSection):
    """How the profiles' confidence thresholds are read."""

    confidence: Literal["rank", "probability"] = "rank"


class VerdictSettings(SettingsSection):
    """Rules of the verdict (docs/verdict.md); change one, and the measured error rates no longer hold."""

    alpha: Share = 0.05
    min_trades: Count = 60
    min_days: Count = 300
    block_days: Count = 10
    n_bootstrap: Annotated[int, Field(ge=99)] = 1999
    refute_below: float = 0.0


class MachineSettings(SettingsSection):
    """How much of the machine a run may take; changes no result but for rounding on an accelerator.

    Without `processes` there is one a core, as far as memory goes; a short run takes one.
    """

    plan: Literal["auto", "safe", "beast"] = "auto"
    processes: Count | None = None
    compile: Literal["auto", "on", "off"] = "auto"
    """Networks' training steps by torch's compiler: where it pays, always, or never; auto compiles on CUDA alone."""
