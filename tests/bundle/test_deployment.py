"""A deployment comes back as it was written, and nothing in it that is missing, unknown or of another type passes."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tradsys.bundle.deployment import DeployedPortfolio, DeployedVerdict, Deployment, OutsideColumn
from tradsys.core.costs import Costs
from tradsys.core.errors import BundleError, ConfigError

VERDICT = DeployedVerdict("SNIPER", "not proven", "too little history", "abc", "run")
DEPLOYMENT = Deployment(
    venue="binance",
    symbols=("BTC/USDT", "ETH/USDT"),
    interval_ms=900_000,
    trained_from_ms=1_600_000_000_000,
    trained_to_ms=1_700_000_000_000,
    created_ms=1_710_000_000_000,
    expires_ms=1_720_000_000_000,
    profile="SNIPER",
    costs=Costs(taker_bps=4.5, slippage_bps=0.1 + 0.2),
    portfolio=DeployedPortfolio(0.5, 1.0, 10_000.0, ("long", "short")),
    outside=(OutsideColumn("macro_vix_r5", "macro:vix=fred:VIXCLS", 604_800.0, "nan"),),
    verdict=VERDICT,
    bands={"ret_1": (-1 / 3, 2 / 3)},
)


@pytest.mark.parametrize("costs", [DEPLOYMENT.costs, Costs()])
def test_it_comes_back_from_json_to_the_last_bit(costs: Costs) -> None:
    written = replace(DEPLOYMENT, costs=costs)
    assert Deployment.from_dict(json.loads(json.dumps(written.to_dict()))) == written
    assert not written.verdict.is_proven


def changed(path: str, value: Any) -> dict[str, Any]:
    content = json.loads(json.dumps(DEPLOYMENT.to_dict()))
    at = content
    *way, last = [int(one) if one.isdigit() else one for one in path.split(".")]
    for one in way:
        at = at[one]
    at[last] = value
    return content


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("leverage", 3, "deployment holds leverage, which this version does not know"),
        ("costs.fee", 3, "deployment.costs holds fee"),
        ("venue", 3, "deployment.venue is a text, found 3"),
        ("interval_ms", 900_000.0, "interval_ms is a whole number, found 900000.0"),
        ("interval_ms", True, "interval_ms is a whole number, found True"),
        ("symbols", "BTC/USDT", "symbols is a list, found 'BTC/USDT'"),
        ("symbols.1", None, r"symbols\[1\] is a text, found None"),
        ("portfolio", [], "deployment.portfolio is an object"),
        ("portfolio.cap", "1", "portfolio.cap is a finite number, found '1'"),
        ("portfolio.cap", float("inf"), "portfolio.cap is a finite number, found inf"),
        ("outside.0.policy", "guess", r"outside\[0\].policy is 'nan' or 'refuse', found 'guess'"),
        ("bands.ret_1", [1.0], "bands.ret_1 is a list of 2"),
        ("bands", [], "bands is an object"),
        ("costs.taker_bps", 5_000.0, "deployment.costs cannot be: taker_bps"),
        ("costs.slippage_bps", "free", "costs.slippage_bps is 'estimated', found 'free'"),
        ("symbols", [], "names its venue and each of its symbols once"),
        ("symbols", ["A/B", "A/B"], "names its venue and each of its symbols once"),
        ("expires_ms", 1, "expires after it was made"),
        ("trained_to_ms", 1, "trained on bars of some length and some time"),
        ("verdict.profile", "EDGE", "its own profile SNIPER, found one about EDGE"),
    ],
)
def test_what_is_not_as_it_was_written_is_named(path: str, value: Any, told: str) -> None:
    with pytest.raises(BundleError, match=told):
        Deployment.from_dict(changed(path, value))


@pytest.mark.parametrize("name", sorted(DEPLOYMENT.to_dict().keys() - {"pool"}))
def test_no_field_may_be_missing(name: str) -> None:
    content = DEPLOYMENT.to_dict()
    del content[name]
    with pytest.raises(BundleError, match=f"deployment lacks {name}"):
        Deployment.from_dict(content)


def test_a_bundle_of_before_there_were_pools_has_none() -> None:
    content = DEPLOYMENT.to_dict()
    del content["pool"]
    assert Deployment.from_dict(content) == replace(DEPLOYMENT, pool=None)


def test_what_cannot_be_is_refused_before_it_is_written() -> None:
    with pytest.raises(ConfigError, match="--valid-days"):
        replace(DEPLOYMENT, expires_ms=DEPLOYMENT.created_ms)
