"""A predictor as files, and back: ONNX, UBJ and JSON in a bundle whose manifest hashes every byte."""

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tradsys.auditor.auditor import FittedAuditor
from tradsys.bundle.bundle import read_bundle, write_bundle
from tradsys.core.costs import Costs
from tradsys.core.errors import BundleError
from tradsys.features.feature_set import FittedFeatures
from tradsys.labels.barrier_spec import BarrierSpec
from tradsys.models.calibration import Calibration
from tradsys.models.forecaster import FittedForecaster
from tradsys.models.linear.volatility_forecast import VolatilityForecast
from tradsys.models.pooling.combination import pool_from_dict
from tradsys.models.registry import load_forecaster
from tradsys.predictor.economics import TimeExit
from tradsys.predictor.holding import Holding
from tradsys.predictor.parts import PredictorParts
from tradsys.predictor.ranks import ConfidenceRanks
from tradsys.predictor.valuation import Judge
from tradsys.profiles.codec import profile_from_dict, profile_to_dict
from tradsys.regimes.family import filter_from_dict
from tradsys.regimes.macro import FittedMacroFilter
from tradsys.regimes.momentum import RegimeMomentum  # noqa: F401  # registers a feature that a bundle may hold

_FEATURES, _REGIMES, _JUDGE, _RANKS, _SETTINGS = (
    "features.json",
    "regimes.json",
    "judge.json",
    "ranks.json",
    "settings.json",
)
_SUPERVISOR = "supervisor.json"
_TIMEOUT, _AUDITOR, _VOLATILITY = "timeout.", "auditor.", "volatility."


def write_parts(predictor: PredictorParts, folder: Path) -> None:
    """Write the bundle; the folder must not exist yet."""
    judge = predictor.judge
    files = {
        _FEATURES: _json(predictor.features.to_dict()),
        _REGIMES: _json(predictor.regimes.to_dict()),
        _RANKS: _json(predictor.ranks.sorted_confidence.tolist()),
        _JUDGE: _json(
            {
                "calibration": judge.calibration.to_dict(),
                "timeout_calibration": judge.timeout_calibration.to_dict(),
                "time_exit": judge.time_exit.to_dict(),
                "upper": judge.upper,
                "lower": judge.lower,
                "costs": asdict(judge.costs),
                "sides": list(judge.sides),
                "holding": None if judge.holding is None else judge.holding.to_dict(),
            }
        ),
        _SETTINGS: _json(
            {
                "interval_s": predictor.interval.total_seconds(),
                "barriers": asdict(predictor.barriers),
                "profile": profile_to_dict(predictor.profile),
                "forecasters": {name: one.kind for name, one in predictor.forecasters.items()},
                "pool": predictor.pool.to_dict(),
                "timeout": predictor.timeout.kind,
            }
        ),
        **{
            prefixed: content
            for name, one in predictor.forecasters.items()
            for prefixed, content in _prefixed(_of(name), one.to_files()).items()
        },
        **_prefixed(_TIMEOUT, predictor.timeout.to_files()),
        **_prefixed(_AUDITOR, predictor.auditor.to_files()),
    }
    if predictor.volatility is not None:
        files |= _prefixed(_VOLATILITY, predictor.volatility.to_files())
    if predictor.supervisor is not None:
        files[_SUPERVISOR] = _json(predictor.supervisor.to_dict())
    about = {"feature_schema": predictor.features.schema_digest, "profile": predictor.profile.name}
    write_bundle(folder, files, about=about)


def read_parts(folder: Path) -> PredictorParts:
    """The parts that were saved; a changed byte, an unlisted file or another feature schema is refused by name."""
    files, about = read_bundle(folder)
    values = {name: json.loads(files[name]) for name in (_FEATURES, _REGIMES, _RANKS, _JUDGE, _SETTINGS)}
    features = FittedFeatures.from_dict(values[_FEATURES])
    if features.schema_digest != about["feature_schema"]:
        raise BundleError(
            f"the bundle was written for feature schema {about['feature_schema'][:12]}, this version computes "
            f"{features.schema_digest[:12]}; use the version that wrote it or run again"
        )
    volatility = _stripped(_VOLATILITY, files)
    settings, judge = values[_SETTINGS], values[_JUDGE]
    costs = Costs(**judge["costs"])
    return PredictorParts(
        interval=timedelta(seconds=settings["interval_s"]),
        features=features,
        forecasters={name: _forecaster(kind, files, _of(name)) for name, kind in settings["forecasters"].items()},
        pool=pool_from_dict(settings["pool"]),
        timeout=_forecaster(settings["timeout"], files, _TIMEOUT),
        judge=Judge(
            calibration=Calibration.from_dict(judge["calibration"]),
            timeout_calibration=Calibration.from_dict(judge["timeout_calibration"]),
            time_exit=TimeExit.from_dict(judge["time_exit"]),
            upper=judge["upper"],
            lower=judge["lower"],
            costs=costs,
            sides=tuple(judge["sides"]),
            holding=None if (holding := judge.get("holding")) is None else Holding.from_dict(holding, costs),
        ),
        ranks=ConfidenceRanks(np.asarray(values[_RANKS], dtype=np.float64)),
        regimes=filter_from_dict(values[_REGIMES]),
        auditor=FittedAuditor.from_files(_stripped(_AUDITOR, files)),
        barriers=BarrierSpec(**settings["barriers"]),
        profile=profile_from_dict(settings["profile"]),
        volatility=VolatilityForecast.from_files(volatility) if volatility else None,
        supervisor=FittedMacroFilter.from_dict(json.loads(files[_SUPERVISOR])) if _SUPERVISOR in files else None,
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
