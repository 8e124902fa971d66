"""Every column that a deployed predictor reads from outside has a provider that a bot knows, and an age."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tradsys.core.carry import COLUMNS
from tradsys.core.errors import ConfigError
from tradsys.features import FeatureSet
from tradsys.features.book import BookPressure
from tradsys.features.cross_section import FundingRank, MarketMomentum, RelativeStrength
from tradsys.features.feature_set import FittedFeatures
from tradsys.features.macro import MacroRisk
from tradsys.live.outside import providers
from tradsys.predictor.outside_needs import outside_needs
from tradsys.regimes.macro import FittedMacroFilter
from tradsys.research.deploying import outside_columns
from tradsys.research.deploying.outside_columns import deployed_columns, nobody_gives
from tradsys.settings.config import RunConfig

SERIES = ("vix=fred:VIXCLS?tolerance_days=3", "vix_near=vix9d.csv?calendar=XNYS")


def predictor(*features: Any, series: tuple[str, ...] = (), has_rates: bool = False) -> Any:
    """The parts of one that say what it reads."""
    n = sum(len(one.columns) for one in features)
    regimes: Any = None
    return SimpleNamespace(
        features=FittedFeatures(features, (0.0,) * n, (1.0,) * n),
        supervisor=FittedMacroFilter(tuple((one, 1) for one in series), regimes, 20, 3_600_000) if series else None,
        valuation=SimpleNamespace(holding=SimpleNamespace(has_rates=has_rates)),
        interval=timedelta(hours=1),
    )


def test_bars_alone_need_nothing() -> None:
    assert deployed_columns(predictor(*FeatureSet.default().features), RunConfig()) == ()


def test_each_family_has_its_provider_age_and_policy() -> None:
    own = predictor(MacroRisk(("vix",)), series=("vix_near",), has_rates=True)
    found = {one.name: one for one in deployed_columns(own, RunConfig(macro={"series": SERIES}))}
    macro = {f"macro_vix_{what}" for what in ("r1", "r5", "vol", "age_h")}
    assert found.keys() == macro | {"macro_vix_near_r5", "macro_vix_near_vol"} | set(COLUMNS)
    assert list(found) == sorted(outside_needs(own))
    vix, near, due = (found[name] for name in ("macro_vix_r5", "macro_vix_near_r5", "funding_rate"))
    assert (vix.provider, vix.max_age_s, vix.policy) == (f"macro:{SERIES[0]}", 3 * 86_400, "nan")
    assert (near.provider, near.max_age_s) == (f"macro:{SERIES[1]}", 7 * 86_400)
    assert (due.provider, due.policy) == ("venue", "refuse")
    assert (outside_columns.VENUE, outside_columns.MACRO) == (providers.VENUE, providers.MACRO)


def test_ranks_come_from_the_bundles_own_symbols() -> None:
    (ranks,) = deployed_columns(predictor(RelativeStrength((24,))), RunConfig())
    assert (ranks.name, ranks.provider) == ("rank_strength_24", providers.POOL)


def test_ranks_of_funding_come_from_nobody_and_what_all_symbols_did_from_their_bars() -> None:
    columns = deployed_columns(predictor(MarketMomentum((24,)), FundingRank()), RunConfig())
    assert {one.name: one.provider for one in columns} == {
        "rank_funding": "the funding of all symbols",
        "rank_market_24": providers.POOL,
    }
    assert nobody_gives(columns) == ("rank_funding",)


def test_what_no_provider_gives_a_bot_is_told() -> None:
    own = predictor(MacroRisk(("vix",)), RelativeStrength((24,)), BookPressure((5,)), has_rates=True)
    columns = deployed_columns(own, RunConfig(macro={"series": SERIES}))
    assert nobody_gives(columns) == tuple(one.name for one in columns if one.name.startswith("book_"))
    assert nobody_gives(columns)


def test_a_series_that_the_settings_do_not_have_is_named() -> None:
    with pytest.raises(
        ConfigError, match=r"reads macro_dxy_age_h, of which macro.series has no series \(vix, vix_near\)"
    ):
        deployed_columns(predictor(MacroRisk(("dxy",))), RunConfig(macro={"series": SERIES}))
