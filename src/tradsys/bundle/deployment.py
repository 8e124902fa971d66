"""What a bundle that is to be traded says about itself: where, on what, with which costs, and on whose word."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Self

from tradsys.bundle.bundle import DEPLOYMENT
from tradsys.bundle.strict import read_strictly
from tradsys.core.costs import Costs
from tradsys.core.errors import BundleError, ConfigError
from tradsys.core.json_text import plain
from tradsys.core.limit_entry import LimitEntry
from tradsys.data.universe import UniverseSpec

SPOT: Final = "-spot"
"""How the names of venues end that are spot markets: binance-spot beside binance, whose perpetuals are traded."""


def is_spot(venue: str) -> bool:
    """Whether a venue of this name is a spot market."""
    return venue.endswith(SPOT)


type StalePolicy = Literal["nan", "refuse"]


@dataclass(frozen=True, slots=True)
class OutsideColumn:
    """A column from outside that the features read, who provides it, and what a stale one means.

    `policy` is "nan" (the features go without) or "refuse" (no entry while it is stale).
    """

    name: str
    provider: str
    max_age_s: float
    policy: StalePolicy


@dataclass(frozen=True, slots=True)
class DeployedPool:
    """How the symbols of a bundle are ranked among each other: as in the run, so that the columns come out the same.

    `universe` chooses who is compared, `lookbacks` are those of the columns, in bars. `listed_ms` says of some symbols
    since when they trade, where that is before their first bar. `has_quote_volume` tells whether the run's bars had it.
    """

    universe: UniverseSpec
    lookbacks: tuple[int, ...]
    listed_ms: Mapping[str, int]
    has_quote_volume: bool


@dataclass(frozen=True, slots=True)
class DeployedPortfolio:
    """How the equity is shared, and how positions are entered: see `backtest.simulate.PortfolioSpec`.

    With an `entry` decisions become limit orders, without one they are filled at the market.
    """

    fraction: float
    cap: float
    cash_quote: float
    sides: tuple[str, ...]
    entry: LimitEntry | None = None


@dataclass(frozen=True, slots=True)
class DeployedVerdict:
    """What the run's verdict was for this profile, and the head of the ledger that it counted."""

    profile: str
    verdict: str
    sentence: str
    ledger_head: str
    run: str

    @property
    def is_proven(self) -> bool:
        return self.verdict == "proven"


@dataclass(frozen=True, slots=True)
class Deployment:
    """The `deployment` part of a bundle's `about`; times are milliseconds since 1970, UTC."""

    venue: str
    symbols: tuple[str, ...]
    interval_ms: int
    trained_from_ms: int
    trained_to_ms: int
    created_ms: int
    expires_ms: int
    profile: str
    costs: Costs
    portfolio: DeployedPortfolio
    outside: tuple[OutsideColumn, ...]
    verdict: DeployedVerdict
    bands: Mapping[str, tuple[float, float]]
    """By feature, as models read it (scaled), the 1st and 99th percentile of the training rows: what drift is held
    against."""
    pool: DeployedPool | None = None
    """Where the features compare the symbols with each other."""

    @property
    def is_spot(self) -> bool:
        """Whether it is traded on a spot market: there nothing goes short, and nothing is borrowed."""
        return is_spot(self.venue)

    def __post_init__(self) -> None:
        if not self.venue or not self.symbols or not all(self.symbols) or len(set(self.symbols)) < len(self.symbols):
            raise ConfigError(
                f"a deployment names its venue and each of its symbols once, found {self.venue!r} and "
                f"{', '.join(map(repr, self.symbols)) or 'none'}; say them with --venue and --symbol"
            )
        if self.interval_ms <= 0 or not self.trained_from_ms < self.trained_to_ms:
            raise ConfigError(
                f"a deployment was trained on bars of some length and some time, found {self.interval_ms} ms, from "
                f"{self.trained_from_ms} to {self.trained_to_ms}; deploy the run again"
            )
        if self.expires_ms <= self.created_ms:
            raise ConfigError(
                f"a deployment expires after it was made, found {self.expires_ms} and {self.created_ms}; give "
                "--valid-days"
            )
        if self.profile != self.verdict.profile:
            raise ConfigError(
                f"a deployment's verdict is about its own profile {self.profile}, found one about "
                f"{self.verdict.profile}; deploy the run again"
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values that `from_dict` reads back, floats to the last bit."""
        values = plain(asdict(self))
        assert isinstance(values, dict)
        if self.portfolio.entry is None:
            del values["portfolio"]["entry"]
        return values

    @classmethod
    def from_dict(cls, content: Any) -> Self:
        """What `to_dict` wrote; a BundleError names what is missing, unknown or of another type."""
        if isinstance(content, dict):
            content = {"pool": None} | content  # bundles of before have none
            portfolio = content.get("portfolio")
            if isinstance(portfolio, dict):
                content |= {"portfolio": {"entry": None} | portfolio}  # nor have those that enter at the market
        return read_strictly(cls, content, DEPLOYMENT)

    @classmethod
    def of(cls, about: Mapping[str, Any], where: object) -> Self:
        """That of a bundle's `about`; a BundleError for a bundle without, such as the one inside a run's folder."""
        if DEPLOYMENT not in about:
            raise BundleError(
                f"{where} says neither where it is to be traded nor on whose word: it is the bundle of a run, wanted "
                "one that tradsys deploy wrote; deploy the run, and give that folder"
            )
        return cls.from_dict(about[DEPLOYMENT])
