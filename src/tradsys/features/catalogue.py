"""The features that ship, and the recommended ones; importing this file registers them all."""

from tradsys.features.book import BOOK
from tradsys.features.candles import CloseLocation, RangeZScore, Wick
from tradsys.features.cross_section import CROSS_SECTION
from tradsys.features.feature import Feature, FittableFeature
from tradsys.features.fractional import FracDiff
from tradsys.features.funding import FUNDING
from tradsys.features.macro import MACRO
from tradsys.features.momentum import AverageDistance, LaggedReturns, LogReturns, Macd, Rsi, StandardReturns
from tradsys.features.positions import POSITIONS
from tradsys.features.season import DayOfWeek, SeasonalVolatility, TimeOfDay
from tradsys.features.volatility import (
    AbsoluteReturn,
    AverageTrueRange,
    ParkinsonVolatility,
    RealisedVolatility,
    VolatilityRatios,
)
from tradsys.features.volume import TakerImbalance, TradeSizeZScore, VolumeReturn, VolumeZScore, VwapDistance

DEFAULT: tuple[Feature | FittableFeature, ...] = (
    StandardReturns(),
    LaggedReturns(),
    Rsi(),
    Macd(),
    AverageDistance(),
    CloseLocation(),
    Wick(),
    VwapDistance(),
    VolumeReturn(),
    VolatilityRatios(),
    AbsoluteReturn(),
    RangeZScore(),
    VolumeZScore(),
    SeasonalVolatility(),
)
"""Momentum carries what little direction bars hold; volatility and its daily rhythm move the odds of both barriers."""

NOT_IN_DEFAULT: tuple[Feature | FittableFeature, ...] = (
    LogReturns(),
    RealisedVolatility(),
    ParkinsonVolatility(),
    AverageTrueRange(),
    TimeOfDay(),
    DayOfWeek(),
    FracDiff(),
    TakerImbalance(),
    TradeSizeZScore(),
)
"""Levels that drift, clocks that are memorised, differences whose worth was not measurable, and what takers did, which
not all bars tell: for your own sets.
"""

OUTSIDE: tuple[Feature | FittableFeature, ...] = (*MACRO, *BOOK, *POSITIONS, *FUNDING, *CROSS_SECTION)
"""What reads columns from outside the symbol's own trades: only for bars that carry them."""

SHIPPED = DEFAULT + NOT_IN_DEFAULT + OUTSIDE
