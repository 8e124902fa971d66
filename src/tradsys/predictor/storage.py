"""A predictor as files, and back: ONNX, safetensors, UBJ and JSON in a bundle whose manifest hashes every byte."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError

from tradsys.auditor.auditor import FittedAuditor
from tradsys.bundle.bundle import DEPLOYMENT, ReadBundle, write_bundle
from tradsys.core.errors import BundleError, ConfigError, TradsysError
from tradsys.core.json_text import read_json
from tradsys.core.plugins import check_plugin
from tradsys.core.registry import registered_source, registers_parts, root_of
from tradsys.core.time import as_interval
from tradsys.features.feature_set import FittedFeatures
from tradsys.labels.barriers import BarrierSpec
from tradsys.models.forecaster import FittedForecaster, check_kind, load_forecaster
from tradsys.models.linear.volatility_forecast import VolatilityForecast
from tradsys.models.pooling.combination import Combination, combination_from_dict
from tradsys.predictor.money import MoneyCalibration
from tradsys.predictor.valuation import N_AUDIT_INPUTS, ConfidenceRanks, Valuation
from tradsys.profiles.profile import PIECES, Profile, profile_from_dict, profile_to_dict
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
    money: MoneyCalibration | None = None
    symbols: tuple[str, ...] | None = None
    profiles: tuple[Profile, ...] = ()
    """Every profile that the run compared, by whose names another one may be deployed."""


_FEATURES, _REGIMES, _VALUATION, _SETTINGS = "features.json", "regimes.json", "valuation.json", "settings.json"
_RANKS, _SUPERVISOR, _MONEY = "ranks.safetensors", "supervisor.json", "money.json"
_JSON = (_FEATURES, _REGIMES, _VALUATION, _SUPERVISOR, _SETTINGS)
_TIMEOUT, _AUDITOR, _VOLATILITY = "timeout.", "auditor.", "volatility."


def write_parts(predictor: PredictorParts, folder: Path, *, deployment: Mapping[str, Any] | None = None) -> None:
    """Write the bundle; the folder must not exist yet. `deployment` is what a bundle says that is to be traded."""
    about: dict[str, Any] = {
        "feature_schema": predictor.features.schema_digest,
        "profile": predictor.profile.name,
        "barrier_rule": predictor.barriers.pacing.name,
    }
    if needed := own_parts_of(predictor):
        about["plugins"] = needed
    if deployment is not None:
        about[DEPLOYMENT] = deployment
    write_bundle(folder, files_of(predictor), about=about)


def files_of(predictor: PredictorParts) -> dict[str, bytes]:
    """The bundle's files by name: the same predictor gives the same bytes."""
    for one in (*predictor.forecasters.values(), predictor.timeout):
        check_kind(one)
    files = {
        _FEATURES: _json(predictor.features.to_dict()),
        _REGIMES: _json(predictor.regimes.to_dict()),
        _RANKS: predictor.ranks.to_bytes(),
        _VALUATION: _json(predictor.valuation.to_dict()),
        _SETTINGS: _json(
            {
                "interval_s": predictor.interval.total_seconds(),
                "barriers": predictor.barriers.to_dict(),
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
    if predictor.money is not None:
        files[_MONEY] = _json(predictor.money.to_dict())
    if predictor.volatility is not None:
        files |= _prefixed(_VOLATILITY, predictor.volatility.to_files())
    return files


def own_parts_of(predictor: PredictorParts) -> dict[str, str | None]:
    """Modules of a user that registered parts of this predictor, and the SHA-256 of their source (`core.plugins`)."""
    profiles = (predictor.profile, *predictor.profiles)
    rules = [getattr(one, piece) for one in profiles for piece in PIECES]
    models = (*predictor.forecasters.values(), predictor.timeout)
    parts = (*predictor.features.features, *models, *rules, predictor.barriers.pacing)
    roots = {root_of(type(part).__module__) for part in parts}
    return {root: registered_source(root) for root in sorted(roots) if root != "tradsys" and registers_parts(root)}


def read_parts(bundle: ReadBundle) -> PredictorParts:
    """The parts that were saved.

    A BundleError for another feature schema, files that are not what this version writes or do not fit each other, and
    a plugin that is not loaded or has another source.
    """
    files, about = bundle.files, bundle.about
    _check_plugins(about.get("plugins", {}))
    values = {name: _part(name, partial(_json_in, files, name)) for name in _JSON}
    features = _part(_FEATURES, lambda: FittedFeatures.from_dict(values[_FEATURES]))
    if features.schema_digest != about.get("feature_schema"):
        raise BundleError(
            f"the bundle was written for feature schema {str(about.get('feature_schema'))[:12]}, this version computes "
            f"{features.schema_digest[:12]}; use the version that wrote it or run again"
        )
    volatility = _stripped(_VOLATILITY, files)
    settings, supervisor = values[_SETTINGS], values[_SUPERVISOR]
    kinds = _part(_SETTINGS, lambda: dict(settings["forecasters"]))
    parts = PredictorParts(
        interval=_part(_SETTINGS, lambda: as_interval(timedelta(seconds=settings["interval_s"]))),
        features=features,
        forecasters={name: _forecaster(kind, files, _of(name)) for name, kind in kinds.items()},
        combination=_part(_SETTINGS, lambda: combination_from_dict(settings["combination"])),
        timeout=_forecaster(_part(_SETTINGS, lambda: settings["timeout"]), files, _TIMEOUT),
        valuation=_part(_VALUATION, lambda: Valuation.from_dict(values[_VALUATION])),
        ranks=_part(_RANKS, lambda: ConfidenceRanks.from_bytes(files[_RANKS])),
        regimes=_part(_REGIMES, lambda: filter_from_dict(values[_REGIMES])),
        auditor=_part(_AUDITOR, lambda: FittedAuditor.from_files(_stripped(_AUDITOR, files))),
        barriers=_part(_SETTINGS, lambda: BarrierSpec.from_dict(settings["barriers"])),
        profile=_part(_SETTINGS, lambda: profile_from_dict(settings["profile"])),
        volatility=_part(_VOLATILITY, lambda: VolatilityForecast.from_files(volatility)) if volatility else None,
        supervisor=None if supervisor is None else _part(_SUPERVISOR, lambda: FittedMacroFilter.from_dict(supervisor)),
        money=_part(_MONEY, lambda: MoneyCalibration.from_dict(_json_in(files, _MONEY))) if _MONEY in files else None,
        symbols=_part(_SETTINGS, lambda: _symbols(settings.get("symbols"))),
        profiles=_part(_SETTINGS, lambda: tuple(profile_from_dict(one) for one in settings.get("profiles", ()))),
    )
    _part("", lambda: _check_fit(parts))
    return parts


def _check_plugins(needed: Any) -> None:
    """Raise where the bundle has parts of modules that are not loaded, or whose source is another one."""
    if not isinstance(needed, dict) or not all(isinstance(one, str | None) for one in needed.values()):
        raise BundleError(f"the bundle's plugins are modules with hashes, found {needed!r}; copy the bundle again")
    for module, digest in needed.items():
        try:
            check_plugin(module, digest, "the parts of this bundle")
        except ConfigError as error:
            how = "" if module == "__main__" else f'; in Python, Predictor.load(..., plugins=["{module}"])'
            raise BundleError(f"{error}{how}") from None


def _check_fit(parts: PredictorParts) -> None:
    """Raise where parts are not of one size: a row of nothing goes through each of them."""
    X = np.full((1, len(parts.features.columns)), np.nan)
    for one in (*parts.forecasters.values(), parts.timeout):
        one.logits(X)
    if unknown := sorted(set(parts.combination.members) - parts.forecasters.keys()):
        raise BundleError(f"the bundle combines {', '.join(unknown)}, of which it has no forecaster; run again")
    parts.auditor.probability(np.full((1, X.shape[1] + N_AUDIT_INPUTS + parts.regimes.n_states), np.nan))
    nothing = np.full((1, 2), np.nan)
    has_cost = parts.valuation.holding is not None
    valued = parts.valuation.value(nothing, nothing, np.ones(1), nothing if has_cost else None)
    if parts.money is not None:
        parts.money.apply(valued, np.ones(1))
    parts.ranks.rank(nothing)


_FAULTS = (TradsysError, SafetensorError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What reading values of another shape than expected raises."""


def _part[T](name: str, build: Callable[[], T]) -> T:
    """What `build` makes of a file, or a BundleError that names it: whatever it raises, the file is not ours."""
    try:
        return build()
    except BundleError:
        raise
    except _FAULTS as error:
        said = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        of = f"{name.rstrip('.')} of the bundle is" if name else "the bundle's files do not fit each other and are"
        raise BundleError(
            f"{of} not what this version writes ({said}); copy the bundle again, or run again to write a new one"
        ) from error


def _symbols(named: Any) -> tuple[str, ...] | None:
    """The symbols that a bundle names; None in one of the same format that was written before they were."""
    if named is None:
        return None
    if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
        raise BundleError(f"symbols are a list of names, found {named!r}")
    return tuple(named)


def _forecaster(kind: str, files: dict[str, bytes], prefix: str) -> FittedForecaster:
    return _part(prefix, lambda: load_forecaster(kind, _stripped(prefix, files)))


def _of(name: str) -> str:
    """How the names of a forecaster's files begin."""
    return f"forecaster.{name}."


def _json_in(files: Mapping[str, bytes], name: str) -> Any:
    return read_json(files[name])


def _json(values: Any) -> bytes:
    return json.dumps(values, sort_keys=True, allow_nan=False).encode()


def _prefixed(prefix: str, files: dict[str, bytes]) -> dict[str, bytes]:
    return {prefix + name: content for name, content in files.items()}


def _stripped(prefix: str, files: dict[str, bytes]) -> dict[str, bytes]:
    return {name.removeprefix(prefix): content for name, content in files.items() if name.startswith(prefix)}
