import json
import shutil
from hashlib import sha256

import numpy as np
import pytest
from safetensors.numpy import save

from tradsys.core.errors import BundleError
from tradsys.predictor import Predictor


@pytest.fixture
def folder(finished, tmp_path):
    """A bundle to break."""
    return shutil.copytree(finished[0].folder / "bundle", tmp_path / "bundle")


def rewrite(folder, name: str, content: bytes) -> None:
    """Put other bytes under a name, and their hash into the manifest: as somebody does who edits a bundle."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["files"][name] = sha256(content).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def edit(folder, name: str, change) -> None:
    values = json.loads((folder / name).read_bytes())
    rewrite(folder, name, json.dumps(change(values) or values).encode())


def test_a_bundle_loads(folder) -> None:
    assert Predictor.load(folder).lookback > 1


FILES = (
    "features.json",
    "regimes.json",
    "valuation.json",
    "settings.json",
    "ranks.safetensors",
    "auditor.auditor.json",
)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"null", b"7", b"\xff", b"[" * 100_000])
@pytest.mark.parametrize("name", FILES)
def test_a_file_with_other_content_is_refused_by_name(folder, name: str, content: bytes) -> None:
    rewrite(folder, name, content)
    with pytest.raises(BundleError, match=name.partition(".")[0]):
        Predictor.load(folder)


def about(folder, **facts) -> None:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"about": facts}))


@pytest.mark.parametrize("facts", [{}, {"feature_schema": None}, {"feature_schema": 7}, {"feature_schema": "abc"}])
def test_a_schema_that_is_none_is_refused(folder, facts) -> None:
    about(folder, **facts)
    with pytest.raises(BundleError, match="was written for feature schema"):
        Predictor.load(folder)


CHANGES = {
    "unknown cost": ("valuation.json", lambda v: v["costs"].update(tip_bps=1)),
    "negative slippage": ("valuation.json", lambda v: v["costs"].update(slippage_bps=-1)),
    "slippage below zero": ("valuation.json", lambda v: v["slippage"].update({"": -1e-4})),
    "slippage of nobody": ("valuation.json", lambda v: v["slippage"].clear()),
    "no costs": ("valuation.json", lambda v: v.pop("costs")),
    "calibration of one side": ("valuation.json", lambda v: v["calibration"].update(slope=[1.0, 1.0, 1.0])),
    "no interval": ("settings.json", lambda v: v.pop("interval_s")),
    "interval of nothing": ("settings.json", lambda v: v.update(interval_s=0)),
    "interval as text": ("settings.json", lambda v: v.update(interval_s="1h")),
    "interval beyond time": ("settings.json", lambda v: v.update(interval_s=1e30)),
    "unknown barrier": ("settings.json", lambda v: v["barriers"].update(width=3)),
    "horizon of zero": ("settings.json", lambda v: v["barriers"].update(horizon=0)),
    "unknown rule": ("settings.json", lambda v: v["profile"]["entry"].update({"class": "Always"})),
    "rule that is none": ("settings.json", lambda v: v["profile"]["entry"].update({"class": "np"})),
    "rule's field unknown": ("settings.json", lambda v: v["profile"]["entry"].update(mood=1)),
    "profile without a name": ("settings.json", lambda v: v["profile"].pop("name")),
    "unknown model": ("settings.json", lambda v: v.update(timeout="oracle")),
    "model that is a list": ("settings.json", lambda v: v.update(timeout=[])),
    "forecasters as a number": ("settings.json", lambda v: v.update(forecasters=3)),
    "forecaster without files": ("settings.json", lambda v: v["forecasters"].update(other="linear")),
    "combination of strangers": ("settings.json", lambda v: v.update(combination={"single": "stranger"})),
    "unknown feature": ("features.json", lambda v: v["features"][0].update(feature="Astrology")),
    "feature's field unknown": ("features.json", lambda v: v["features"][0].update(mood=1)),
    "scale too short": ("features.json", lambda v: v.update(scale=v["scale"][1:])),
    "regimes of another kind": ("regimes.json", lambda v: {"kind": "tides"}),
    "auditor of other inputs": ("auditor.auditor.json", lambda v: v.update(n_inputs=2)),
    "auditor's score unknown": ("auditor.auditor.json", lambda v: v.update(score="oracle")),
    "supervisor as a list": ("supervisor.json", lambda v: [1]),
}


@pytest.mark.parametrize(("name", "change"), CHANGES.values(), ids=CHANGES)
def test_values_that_this_version_does_not_write_are_refused(folder, name: str, change) -> None:
    edit(folder, name, change)
    with pytest.raises(BundleError):
        Predictor.load(folder)


def test_ranks_under_another_name_are_refused(folder) -> None:
    rewrite(folder, "ranks.safetensors", save({"other": np.zeros(3)}))
    with pytest.raises(BundleError, match=r"ranks\.safetensors of the bundle is not what this version writes"):
        Predictor.load(folder)


@pytest.mark.parametrize("name", [*FILES, "timeout.linear.json"])
def test_a_bundle_that_was_written_without_a_file_is_refused(folder, name: str) -> None:
    (folder / name).unlink()
    manifest = json.loads((folder / "manifest.json").read_bytes())
    del manifest["files"][name]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=rf"{name.partition('.')[0]}|a linear model needs"):
        Predictor.load(folder)


def test_models_of_other_features_are_refused(folder) -> None:
    edit(folder, "timeout.linear.json", lambda v: v.update(coef=[row[1:] for row in v["coef"]]))
    with pytest.raises(BundleError, match=r"do not fit each other.*fitted on \d+ features"):
        Predictor.load(folder)
