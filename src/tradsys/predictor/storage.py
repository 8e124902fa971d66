"""A predictor as files, and back: ONNX, safetensors, UBJ and JSON in a bundle whose manifest hashes every byte."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tradsys.auditor.auditor import FittedAuditor
from tradsys.bundle.bundle import read_bundle, write_bundle
from tradsys.core.errors import BundleError
from tradsys.features.feature_set import FittedFeatures
from tradsys.labels.barriers import BarrierSpec
from tradsys.models.forecaster import FittedForecaster, load_forecaster
from tradsys.models.linear.volatility_forecast import VolatilityForecast
from tradsys.models.pooling.combination import Combination, combination_from_dict
from tradsys.predictor.valuation import ConfidenceRanks, Valuation
from tradsys.profiles.profile import Profile, profile_from_dict, profile_to_dict
from tradsys.regimes.family import RegimeFilter, filter_from_dict
from tradsys.regimes.macro import FittedMacroFilter
from tradsys.regimes.momentum import RegimeMomentum  # noqa: F401  # registers a feature that a bundle may hold


@dataclass(frozen=True, slots=True)
class PredictorParts:
    """What a bundle's files hold; `Predictor` adds how the parts decide together.

    `symbols` are those it was fitted on, None where they are not known.
    """

    interval: timedelta
    features: FittedFeatures
    forecasters: Mapping[str, FittedForecaster]
    combination: Combination
    timeout: FittedForecaster
    valuation: Valuation
    ranks: ConfidenceRanks
    regimes: RegimeFilter
    auditor: FittedAuditor
    barriers: BarrierSpec
    profile: Profile
    volatility: VolatilityForecast | None = None
    supervisor: FittedMacroFilter | None = None
    symbols: tuple[str, ...] | None = None
    profiles: tuple[Profile, ...] = ()
    """Every profile that the run compared, by whose names another one may be deployed."""


_FEATURES, _REGIMES, _VALUATION, _SETTINGS = "features.json", "regimes.json", "valuation.json", "settings.json"
_RANKS, _SUPERVISOR = "ranks.safetensors", "supervisor.json"
_TIMEOUT, _AUDITOR, _VOLATILITY = "timeout.", "auditor.", "volatility."


def write_parts(predictor: PredictorParts, folder: Path) -> None:
    """Write the bundle; the folder must not exist yet."""
    files = {
        _FEATURES: _json(predictor.features.to_dict()),
        _REGIMES: _json(predictor.regimes.to_dict()),
        _RANKS: predictor.ranks.to_bytes(),
        _VALUATION: _json(predictor.valuation.to_dict()),
        _SETTINGS: _json(
            {
                "interval_s": predictor.interval.total_seconds(),
                "barriers": asdict(predictor.barriers),
                "profile": profile_to_dict(predictor.profile),
                "profiles": [profile_to_dict(one) for one in predictor.profiles],
                "forecasters": {name: one.kind for name, one in predictor.forecasters.items()},
                "combination": predictor.combination.to_dict(),
                "timeout": predictor.timeout.kind,
                "symbols": predictor.symbols,
            }
        ),
        **{
            prefixed: content
            for name, one in predictor.forecasters.items()
            for prefixed, content in _prefixed(_of(name), one.to_files()).items()
        },
        **_prefixed(_TIMEOUT, predictor.timeout.to_files()),
        **_prefixed(_AUDITOR, predictor.auditor.to_files()),
        _SUPERVISOR: _json(None if predictor.supervisor is None else predictor.supervisor.to_dict()),
    }
    if predictor.volatility is not None:
        files |= _prefixed(_VOLATILITY, predictor.volatility.to_files())
    about = {"feature_schema": predictor.features.schema_digest, "profile": predictor.profile.name}
    write_bundle(folder, files, about=about)


def read_parts(folder: Path) -> PredictorParts:
    """The parts that were saved; a changed byte, an unlisted file or another feature schema is refused by name."""
    files, about = read_bundle(folder)
    values = {name: json.loads(files[name]) for name in (_FEATURES, _REGIMES, _VALUATION, _SUPERVISOR, _SETTINGS)}
    features = FittedFeatures.from_dict(values[_FEATURES])
    if features.schema_digest != about["feature_schema"]:
        raise BundleError(
            f"the bundle was written for feature schema {about['feature_schema'][:12]}, this version computes "
            f"{features.schema_digest[:12]}; use the version that wrote it or run again"
        )
    volatility = _stripped(_VOLATILITY, files)
    settings, supervisor = values[_SETTINGS], values[_SUPERVISOR]
    symbols = settings.get("symbols")  # bundles that were written without are of the same format
    return PredictorParts(
        interval=timedelta(seconds=settings["interval_s"]),
        features=features,
        forecasters={name: _forecaster(kind, files, _of(name)) for name, kind in settings["forecasters"].items()},
        combination=combination_from_dict(settings["combination"]),
        timeout=_forecaster(settings["timeout"], files, _TIMEOUT),
        valuation=Valuation.from_dict(values[_VALUATION]),
        ranks=ConfidenceRanks.from_bytes(files[_RANKS]),
        regimes=filter_from_dict(values[_REGIMES]),
        auditor=FittedAuditor.from_files(_stripped(_AUDITOR, files)),
        barriers=BarrierSpec(**settings["barriers"]),
        profile=profile_from_dict(settings["profile"]),
        volatility=VolatilityForecast.from_files(volatility) if volatility else None,
        profiles=tuple(profile_from_dict(one) for one in settings.get("profiles", ())),
        supervisor=None if supervisor is None else FittedMacroFilter.from_dict(supervisor),
        symbols=None if symbols is None else tuple(symbols),
    )


def _forecaster(kind: str, files: dict[str, bytes], prefix: str) -> FittedForecaster:
    return load_forecaster(kind, _stripped(prefix, files))


def _of(name: str) -> str:
    """How the names of a forecaster's files begin."""
    return f"forecaster.{name}."


def _json(values: Any) -> bytes:
    return json.dumps(values, sort_keys=True, allow_nan=False).encode()


def _prefixed(prefix: str, files: dict[str, bytes]) -> dict[str, bytes]:
    return {prefix + name: content for name, content in files.items()}


def _stripped(prefix: str, files: dict[str, bytes]) -> dict[str, bytes]:
    return {name.removeprefix(prefix): content for name, content in files.items() if name.startswith(prefix)}
