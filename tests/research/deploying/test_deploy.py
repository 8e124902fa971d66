"""What `tradsys deploy` writes decides like any bundle, knows all but the lock-box, and says on whose word it acts."""

import json
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tradsys.cli.app import main
from tradsys.core.errors import BundleError, ConfigError, DataError
from tradsys.core.time import DAY_MS, to_ms
from tradsys.data import load_market
from tradsys.data.market import Market
from tradsys.features.stream.feature_stream import FeatureStream
from tradsys.journal.ledger import Ledger
from tradsys.predictor import Predictor, read_deployment
from tradsys.predictor.storage import files_of
from tradsys.research.deploying import deploy as deploying
from tradsys.research.deploying.deploy import DeployedBundle, DeployOptions, deploy
from tradsys.research.deploying.refit import Refit, refit
from tradsys.research.judging.rejudge import Replay, rejudge
from tradsys.research.walk.experiment_spec import experiment_on
from tradsys.research.walk.lockbox import lockbox_opens

OPTIONS = DeployOptions(profile="AUDITED", venue="binance", symbols=("EDGE/USDT",))
NOW = to_ms(pl.Series(["2026-05-01"]).str.to_datetime(time_zone="UTC")[0])


@pytest.fixture(scope="module")
def run(finished: Any) -> Replay:
    return Replay(finished[0].folder)


@pytest.fixture(scope="module")
def deployed(
    run: Replay, finished: Any, small_market: Market, tmp_path_factory: pytest.TempPathFactory
) -> tuple[DeployedBundle, Refit]:
    """The bundle, and what was fitted on the way."""
    kept: list[Refit] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deploying, "refit", lambda *args, **given: kept.append(refit(*args, **given)) or kept[0])
        folder = tmp_path_factory.mktemp("deployed") / "B"
        return deploy(run, small_market, folder, finished[1], OPTIONS, now_ms=NOW), kept[0]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, deployed: tuple[DeployedBundle, Refit]) -> None:
    """Fits nothing again."""
    monkeypatch.setattr(deploying, "refit", lambda *_, **__: deployed[1])


def test_the_bundle_says_what_it_is(
    deployed: tuple[DeployedBundle, Refit], run: Replay, finished: Any, small_market: Market
) -> None:
    predictor, said, bundle_hash = read_deployment(deployed[0].folder)
    assert bundle_hash == sha256((deployed[0].folder / "manifest.json").read_bytes()).hexdigest()
    assert (said, bundle_hash) == (deployed[0].deployment, deployed[0].bundle_hash)
    assert (said.venue, said.symbols, said.interval_ms) == ("binance", ("EDGE/USDT",), 3_600_000)
    assert (said.profile, said.costs, said.outside) == ("AUDITED", run.spec.costs, ())
    assert said.portfolio.sides == ("long", "short")
    assert said.bands.keys() == set(predictor.features.columns)
    own = rejudge(run, finished[1]).now
    assert said.verdict.sentence == own.profiles["AUDITED"].sentence
    assert (said.verdict.ledger_head, said.verdict.run) == (own.ledger_head, run.manifest.run)
    first, opens = small_market.bars["ts"][0], lockbox_opens(small_market.bars, run.config.folds.lockbox)
    assert said.trained_from_ms == to_ms(first)
    assert 0 <= said.trained_to_ms - to_ms(opens) < 3_600_000
    longest = max(fold.test_to - fold.test_from for fold in run.metrics.folds)
    assert said.expires_ms - said.created_ms == pytest.approx(longest.total_seconds() * 1e3, rel=0.02)


def test_what_decides_otherwise_bar_by_bar_is_refused_before_there_is_a_bundle(
    run: Replay, finished: Any, small_market: Market, quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FeatureStream, "_compare", _not_alike)
    with pytest.raises(ConfigError, match="bar by bar"):
        deploy(run, small_market, tmp_path / "B", finished[1], OPTIONS, now_ms=NOW)
    assert not (tmp_path / "B").exists()


def _not_alike(*_: object) -> None:
    raise ConfigError("3 bar by bar and 4 as a batch")


def test_its_decisions_carry_its_symbol_and_hash(deployed: tuple[DeployedBundle, Refit], small_market: Market) -> None:
    predictor, _, bundle_hash = read_deployment(deployed[0].folder)
    named = small_market.bars.with_columns(symbol=pl.lit("EDGE/USDT"))
    decision = predictor.decide(named)
    assert (decision.symbol, decision.bundle_hash) == ("EDGE/USDT", bundle_hash)
    with pytest.raises(DataError, match="wanted bars of EDGE/USDT"):
        predictor.decide(small_market.bars)


def test_the_last_fold_comes_out_as_the_run_stored_it_and_the_refit_knows_more(
    deployed: tuple[DeployedBundle, Refit], run: Replay
) -> None:
    bundle, fitted = deployed
    assert bundle.repeats_run
    stored = Predictor.load(run.folder / "bundle")
    assert files_of(fitted.predictor)["features.json"] != files_of(stored)["features.json"]
    assert bundle.n_train > run.metrics.folds[-1].n_train


@pytest.mark.usefixtures("quick")
def test_a_run_that_comes_out_otherwise_today_is_told(
    run: Replay,
    finished: Any,
    small_market: Market,
    tmp_path: Path,
    deployed: tuple[DeployedBundle, Refit],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = replace(deployed[1], last_fold=deployed[1].predictor)
    monkeypatch.setattr(deploying, "refit", lambda *_, **__: other)
    assert not deploy(run, small_market, tmp_path / "B", finished[1], OPTIONS, now_ms=NOW).repeats_run


def test_no_bar_of_a_closed_lockbox_is_read_and_those_of_an_opened_one_train(
    small_market: Market, quick_config: Any
) -> None:
    market = small_market.until(small_market.bars["ts"][2_999])
    config = quick_config.with_settings({"folds.n_folds": 1, "folds.initial": 0.5})
    opens = lockbox_opens(market.bars, config.folds.lockbox)
    is_inside = pl.col("ts") >= opens
    other = replace(market, bars=market.bars.with_columns((pl.col("high") * (1 + 0.1 * is_inside)).alias("high")))
    spec = experiment_on(market, config)
    fitted, blind = (refit(one, spec, has_lockbox_opened=False, progress=lambda *_: None) for one in (market, other))
    assert files_of(fitted.predictor) == files_of(blind.predictor)
    assert fitted.bands == blind.bands
    opened = refit(market, spec, has_lockbox_opened=True, progress=lambda *_: None)
    assert opened.trained_to_ms == market.closes
    n_inside = market.bars.select(is_inside.sum()).item()
    assert n_inside * 0.9 < opened.n_train - fitted.n_train <= n_inside + spec.barriers.horizon


@pytest.mark.usefixtures("quick")
def test_the_verdict_is_that_of_today(run: Replay, finished: Any, small_market: Market, tmp_path: Path) -> None:
    shutil.copytree(finished[1].path.parent, tmp_path / "journal")
    ledger = Ledger(tmp_path / "journal" / "ledger.jsonl")
    ledger.append({"kind": "trial", "blocks": run.manifest.blocks, "n": 1})
    said = deploy(run, small_market, tmp_path / "B", ledger, OPTIONS, now_ms=NOW).deployment.verdict
    assert said.ledger_head == rejudge(run, ledger).now.ledger_head != run.verdict.ledger_head


@pytest.mark.usefixtures("quick")
def test_other_bars_are_refused_and_later_ones_are_left_out(
    run: Replay, finished: Any, small_market: Market, tmp_path: Path
) -> None:
    shorter = small_market.until(small_market.bars["ts"][-2])
    with pytest.raises(DataError, match=r"are not those of .* of 5,999 bars now, .* of 6,000 then"):
        deploy(run, shorter, tmp_path / "B", finished[1], OPTIONS, now_ms=NOW)
    later = small_market.bars.tail(5).with_columns(pl.col("ts") + pl.duration(hours=5)).drop("symbol")
    grown = pl.concat([small_market.bars.drop("symbol"), later])
    grown.write_parquet(tmp_path / "EDGE-1h.parquet")
    cut = load_market([tmp_path / "EDGE-1h.parquet"]).until(run.metrics.market.last)
    assert (cut.fingerprint, cut.blocks) == (small_market.fingerprint, small_market.blocks)
    deploy(run, cut, tmp_path / "B", finished[1], OPTIONS, now_ms=NOW)


@pytest.mark.usefixtures("quick")
def test_what_cannot_be_deployed_is_refused(run: Replay, finished: Any, small_market: Market, tmp_path: Path) -> None:
    def tried(**given: Any) -> None:
        deploy(run, small_market, tmp_path / "B", finished[1], replace(OPTIONS, **given), now_ms=NOW)

    with pytest.raises(ConfigError, match="SNIPPER"):
        tried(profile="SNIPPER")
    with pytest.raises(ConfigError, match="add --venue"):
        tried(venue=None)
    with pytest.raises(ConfigError, match="days above 0"):
        tried(valid_days=0)
    with pytest.raises(ConfigError, match=r"portfolio\.sides: the run went short too"):
        tried(venue="binance-spot")
    (tmp_path / "B").mkdir()
    with pytest.raises(ConfigError, match="exists; name another folder"):
        tried()


def test_a_bundle_of_a_run_and_a_changed_deployment_are_not_traded(
    deployed: tuple[DeployedBundle, Refit], run: Replay, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match="wanted one that tradsys deploy wrote"):
        read_deployment(run.folder / "bundle")
    folder = shutil.copytree(deployed[0].folder, tmp_path / "B")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["about"]["deployment"]["symbols"] = ["BTC/USDT"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=r"deployment says symbols .*BTC/USDT.* has .*EDGE/USDT"):
        read_deployment(folder)
    (folder / "features.json").write_bytes((folder / "features.json").read_bytes().replace(b"0", b"1", 1))
    with pytest.raises(BundleError, match=r"features.json in .* changed after"):
        read_deployment(folder)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_takes_the_runs_own_bars_and_settings(
    finished: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    root = finished[2]
    words = ["deploy", "last", "--out", str(tmp_path / "B"), "--venue", "binance", "--symbol", "EDGE/USDT"]
    words += ["--runs", str(root / "runs"), "--journal", str(root / "journal"), "--profile", "AUDITED"]
    assert main([*words, "--valid-days", "7", *(["--json"] if as_json else [])]) == 0
    said, out = read_deployment(tmp_path / "B").deployment, capsys.readouterr().out
    assert said.expires_ms - said.created_ms == 7 * DAY_MS
    if as_json:
        shown = json.loads(out)
        assert shown["deployment"] == said.to_dict()
        assert shown["repeats_run"] is True
    else:
        assert "its lock-box, which was not touched" in out
        assert f"verdict as of now: {said.verdict.sentence}" in out
        assert "byte for byte" in out
        assert f"{(said.created_ms - said.trained_to_ms) / DAY_MS:,.0f} days ago" in out
