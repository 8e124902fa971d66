"""A bundle as a strategy of freqtrade's: a file that it loads, the bundle beside it, and the part of a config it needs.

freqtrade itself is neither imported nor needed: the file is text here, and runs where freqtrade is installed.
"""

import keyword
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from pathlib import Path
from string import Template
from typing import Final

from tradsys.bundle.bundle import DEPLOYMENT, open_bundle, refuse_ranks
from tradsys.bundle.deployment import DeployedPortfolio, Deployment
from tradsys.core.errors import ConfigError
from tradsys.core.files import write_atomically
from tradsys.core.json_text import pretty_json
from tradsys.core.time import interval_ms, stamp, to_ms
from tradsys.predictor.outside_needs import outside_needs
from tradsys.predictor.predictor import Predictor
from tradsys.research.judging.rejudge import Replay

TIMEFRAMES: Final = {
    **{timedelta(minutes=n): f"{n}m" for n in (1, 3, 5, 15, 30)},
    **{timedelta(hours=n): f"{n}h" for n in (1, 2, 4, 6, 8, 12)},
    timedelta(days=1): "1d",
    timedelta(days=7): "1w",
}
"""Candles that freqtrade has."""

MOST_CANDLES: Final = 4_995
"""So many a freqtrade bot loads when it starts: five answers of an exchange that gives 1,000, less one each."""

_NEVER_MS: Final = 4_102_444_800_000
_PAIR: Final = re.compile(r"[A-Z0-9]+/[A-Z0-9]+(:[A-Z0-9]+)?")
_TEMPLATE: Final = Path(__file__).parent / "templates" / "freqtrade_strategy.txt"


@dataclass(frozen=True, slots=True)
class ExportedBundle:
    """A bundle with what its strategy must know: how equity is shared, what an order cost, and what may be claimed."""

    folder: Path
    profile: str
    portfolio: DeployedPortfolio
    taker_bps: float
    verdict: str
    trained_to_ms: int
    expires_ms: int = _NEVER_MS

    @classmethod
    def of_run(cls, run: Replay, profile: str | None = None) -> "ExportedBundle":
        """The last fold's predictor of a run, with the verdict as it was when the run ended."""
        spec = run.spec
        chosen, share = run.profile(profile), spec.portfolio
        last = run.metrics.folds[-1]
        return cls(
            folder=run.folder / "bundle",
            profile=chosen.name,
            portfolio=DeployedPortfolio(share.fraction, share.cap, share.cash_quote, tuple(spec.sides)),
            taker_bps=run.manifest.costs.taker_bps,
            verdict=f"{chosen.name} of {run.name} was {run.verdict.profiles[chosen.name].sentence}.",
            trained_to_ms=to_ms(last.test_from),
        )

    @classmethod
    def deployed(cls, folder: Path, profile: str | None = None) -> "ExportedBundle":
        """A bundle that `tradsys deploy` wrote, which trades the profile that was deployed and no other."""
        bundle = open_bundle(folder)
        refuse_ranks(bundle)
        about = bundle.about
        if DEPLOYMENT not in about:
            raise ConfigError(
                f"{folder} does not say how its equity is shared, wanted a run or a bundle of tradsys deploy; deploy "
                "the run, or name the run"
            )
        said = Deployment.of(about, folder)
        if profile is not None and profile.upper() != said.profile:
            raise ConfigError(f"{folder} was deployed to trade {said.profile}, found --profile {profile}; deploy that")
        return cls(
            folder=folder,
            profile=said.profile,
            portfolio=said.portfolio,
            taker_bps=said.costs.taker_bps,
            verdict=f"{said.profile} is {said.verdict.sentence}.",
            trained_to_ms=said.trained_to_ms,
            expires_ms=said.expires_ms,
        )


@dataclass(frozen=True, slots=True)
class FreqtradeExport:
    """What was written: the strategy's class and file, its bundle, part of a config, and doubts in sentences."""

    name: str
    strategy: Path
    bundle: Path
    config: Path
    doubts: tuple[str, ...]


def export_freqtrade(
    traded: ExportedBundle,
    out: Path,
    *,
    pairs: Sequence[str] = (),
    name: str | None = None,
    plugins: Sequence[str] = (),
) -> FreqtradeExport:
    """Write strategy, bundle and config into a folder, such as `user_data/strategies`; what is there is never replaced.

    `pairs` says what freqtrade calls each symbol, as SYMBOL=PAIR or in the order of the bundle's; symbols that look
    like pairs need none. A pair of a perpetual (BTC/USDT:USDT) may be sold short, one of a spot market is long only.
    """
    predictor = Predictor.load(traded.folder, traded.profile, log=lambda line: None)
    if needed := outside_needs(predictor):
        raise ConfigError(
            f"the bundle reads {', '.join(needed)}, which freqtrade hands to no strategy; export one that was fitted "
            "on bars alone, or trade this one with tradsys trade"
        )
    if predictor.barriers.entry is not None:
        raise ConfigError(
            "freqtrade fills its strategies' entries by rules of its own, and this bundle was judged by limit entries "
            "that only a trade through their price fills (portfolio.entry=limit); export a run with "
            "portfolio.entry=market"
        )
    if predictor.interval not in TIMEFRAMES:
        raise ConfigError(
            f"freqtrade has candles of {', '.join(TIMEFRAMES.values())}, the bundle's are of {predictor.interval}; run "
            "on one of those"
        )
    symbols = pairs_of(predictor.symbols or ("",), pairs)
    chosen = class_name(name or f"Tradsys{traded.profile.title()}")
    is_perpetual = _are_perpetuals(symbols)
    written = FreqtradeExport(
        chosen,
        out / f"{chosen}.py",
        out / f"{chosen}-bundle",
        out / f"{chosen}-config.json",
        tuple(_doubts(traded, predictor, is_perpetual=is_perpetual)),
    )
    if taken := [str(path) for path in (written.strategy, written.bundle, written.config) if path.exists()]:
        raise ConfigError(f"nothing is replaced, and {', '.join(taken)} exists; remove it, or give --name or --out")
    text = _strategy(traded, predictor, symbols, written, is_perpetual=is_perpetual, plugins=plugins)
    out.mkdir(parents=True, exist_ok=True)
    shutil.copytree(traded.folder, written.bundle)
    write_atomically(written.config, pretty_json(_config(written, symbols, is_perpetual=is_perpetual)).encode())
    write_atomically(written.strategy, text.encode())
    return written


def pairs_of(symbols: Sequence[str], said: Sequence[str]) -> dict[str, str]:
    """freqtrade's pair to our symbol.

    >>> pairs_of(["BTCUSDT", "ETH/USDT"], ["BTCUSDT=BTC/USDT"])
    {'BTC/USDT': 'BTCUSDT', 'ETH/USDT': 'ETH/USDT'}
    """
    named = dict(one.split("=", 1) for one in said if "=" in one)
    if unknown := sorted(named.keys() - set(symbols)):
        raise ConfigError(f"the bundle has {', '.join(symbols)}, found --pair {', '.join(unknown)}; say SYMBOL=PAIR")
    in_order = [one for one in said if "=" not in one]
    rest = [symbol for symbol in symbols if symbol not in named]
    if in_order and len(in_order) != len(rest):
        raise ConfigError(f"--pair names {len(in_order)} pairs for {', '.join(rest) or 'no symbol'}; say SYMBOL=PAIR")
    named |= dict(zip(rest, in_order or rest, strict=True))
    found = {named[symbol]: symbol for symbol in symbols}
    if strange := [pair for pair in found if not _PAIR.fullmatch(pair)]:
        raise ConfigError(
            f"freqtrade calls a pair BTC/USDT, or BTC/USDT:USDT where it is a perpetual, found {', '.join(strange)}; "
            f"say --pair {found[strange[0]] or 'SYMBOL'}=BTC/USDT:USDT"
        )
    if len(found) < len(symbols):
        raise ConfigError(f"every symbol needs a pair of its own, found {', '.join(found)} for {', '.join(symbols)}")
    return found


def class_name(name: str) -> str:
    """The name, where Python takes it as one of a class."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ConfigError(f"a strategy is a class, which cannot be called {name!r}; letters and digits, as TradsysEdge")
    return name


def _are_perpetuals(symbols: Mapping[str, str]) -> bool:
    kinds = {":" in pair for pair in symbols}
    if len(kinds) > 1:
        raise ConfigError(
            f"freqtrade trades spot markets or perpetuals, found both: {', '.join(symbols)}; export twice"
        )
    return kinds.pop()


def _doubts(traded: ExportedBundle, predictor: Predictor, *, is_perpetual: bool) -> list[str]:
    """What a user should know before he trades it, in sentences."""
    found = []
    if predictor.lookback > MOST_CANDLES:
        found.append(
            f"The bundle needs {predictor.lookback:,} candles to begin with, and a freqtrade bot loads "
            f"{MOST_CANDLES:,} of most exchanges: it can be backtested, but not started."
        )
    if not is_perpetual and "short" in traded.portfolio.sides:
        found.append("A spot market has no shorts: half of what the verdict is about is left out, and it says nothing.")
    if traded.expires_ms == _NEVER_MS:
        found.append(
            "This is the last fold's predictor of a run, which never expires: tradsys deploy refits it on all."
        )
    return found


def _strategy(
    traded: ExportedBundle,
    predictor: Predictor,
    symbols: Mapping[str, str],
    written: FreqtradeExport,
    *,
    is_perpetual: bool,
    plugins: Sequence[str],
) -> str:
    step_ms = interval_ms(predictor.interval)
    is_forever = traded.expires_ms == _NEVER_MS
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        CLASS=written.name,
        VERDICT=traded.verdict,
        VERDICT_LINE=traded.verdict.replace('"', "'"),
        TRAINED_TO=stamp(traded.trained_to_ms),
        EXPIRES_TEXT="any day: it has none" if is_forever else stamp(traded.expires_ms),
        EXPIRES_MS=traded.expires_ms,
        BUNDLE_NAME=written.bundle.name,
        BUNDLE_HASH=predictor.bundle_hash,
        PLUGINS=repr([str(Path(one).resolve()) if one.endswith(".py") else one for one in plugins]),
        PROFILE=traded.profile,
        SYMBOLS=repr(dict(symbols)),
        STEP_MS=step_ms,
        FRACTION=repr(traded.portfolio.fraction),
        CAP=repr(traded.portfolio.cap),
        TAKER_BPS=f"{traded.taker_bps:g}",
        FEE=f"{traded.taker_bps / 1e4:g}",
        TIMEFRAME=TIMEFRAMES[predictor.interval],
        LOOKBACK=predictor.lookback,
        CAN_SHORT=is_perpetual and "short" in traded.portfolio.sides,
        STALE_S=max(60, ceil(step_ms / 10_000)),
        FURTHER="".join(f"- {doubt}\n" for doubt in written.doubts),
    )


def _config(written: FreqtradeExport, symbols: Mapping[str, str], *, is_perpetual: bool) -> dict[str, object]:
    """What of a config the strategy asks for; keys and the exchange's name are the user's."""
    stake = next(iter(symbols)).partition("/")[2].partition(":")[0]
    futures = {"trading_mode": "futures", "margin_mode": "isolated"} if is_perpetual else {"trading_mode": "spot"}
    market = {"price_side": "other", "use_order_book": True, "order_book_top": 1}
    return futures | {
        "strategy": written.name,
        "dry_run": True,
        "stake_currency": stake,
        "stake_amount": "unlimited",
        "tradable_balance_ratio": 0.99,
        "max_open_trades": len(symbols),
        "entry_pricing": market,
        "exit_pricing": market,
        "exchange": {"pair_whitelist": list(symbols)},
        "pairlists": [{"method": "StaticPairList"}],
    }
