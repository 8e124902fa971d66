import json

import polars as pl
import pytest
from tests.runs.example import METRICS, VERDICT, rows, write_example

from tradsys.core.errors import DataError
from tradsys.runs import RunFolder, StoredRun
from tradsys.runs.manifest import OLDEST_READ, SCHEMA
from tradsys.runs.section import ALWAYS_MEASURED
from tradsys.runs.tables import FORECASTS, LABELS, TABLES, TRADES, UNIVERSE

NUMBERS = [
    *("p", "p_net", "p_skill", "t_net", "z_skill", "upper_bound"),
    *("sharpe", "psr", "dsr", "min_track_record_days"),
]


@pytest.fixture
def stored(tmp_path):
    return StoredRun(write_example(tmp_path))


def edit(folder, name, **fields):
    content = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(content | fields))


def test_what_was_written_is_read_back(stored):
    assert stored.kind == "experiment"
    assert stored.manifest.schema_version == SCHEMA
    assert stored.metrics.to_json()["buy_and_hold"] == METRICS["buy_and_hold"]
    assert stored.verdict.to_json() == VERDICT
    assert stored.metrics.market.symbols == ("BTC/USD",)


def test_whole_numbers_stay_whole(stored):
    assert repr(stored.metrics.buy_and_hold["total_trades"]) == "1"
    assert repr(stored.metrics.buy_and_hold["sharpe"]) == "0.5"


@pytest.mark.parametrize("version", [SCHEMA + 5, OLDEST_READ - 1, "two", None])
def test_an_unknown_schema_is_refused_by_name_before_anything_else_is_read(tmp_path, version):
    folder = write_example(tmp_path)
    edit(folder, "manifest.json", schema=version)
    (folder / "metrics.json").write_text("{}")
    with pytest.raises(DataError, match=f"example was written by schema {version}, this version reads 1 to {SCHEMA}: "):
        _ = StoredRun(folder).metrics


def test_the_first_schema_said_no_number_and_left_columns_out(tmp_path):
    folder = write_example(tmp_path)
    content = json.loads((folder / "manifest.json").read_text())
    del content["schema"]
    (folder / "manifest.json").write_text(json.dumps(content))
    rows(TRADES).drop("borrow_quote").write_parquet(folder / "trades.parquet")
    trades = StoredRun(folder).table(TRADES)
    assert trades.schema == TRADES.empty.schema
    assert trades["borrow_quote"].null_count() == 1


@pytest.mark.parametrize(("version", "is_read"), [(1, True), (2, True), (3, False)])
def test_a_column_that_came_later_than_the_run_is_null(tmp_path, version, is_read):
    folder = write_example(tmp_path)
    content = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**content, "schema": version}))
    rows(FORECASTS).drop("net_error", "has_earned").write_parquet(folder / "forecasts.parquet")
    if is_read:
        forecasts = StoredRun(folder).table(FORECASTS)
        assert forecasts.schema == rows(FORECASTS).schema
        assert forecasts["net_error"].null_count() == len(forecasts) == 1
    else:
        with pytest.raises(DataError, match=r"forecasts.parquet lacks net_error, has_earned"):
            StoredRun(folder).table(FORECASTS)


def test_a_column_that_is_missing_now_is_refused(stored):
    rows(TRADES).drop("borrow_quote").write_parquet(stored.folder / "trades.parquet")
    with pytest.raises(DataError, match=r"trades.parquet lacks borrow_quote"):
        stored.table(TRADES)


@pytest.mark.parametrize("name", ["manifest.json", "metrics.json", "verdict.json"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "must hold an object, found list"),
        ("{}", "is not what this version reads: .*field required.* and .* more"),
        (None, "is missing in .*not the folder of a finished run"),
    ],
)
def test_broken_and_foreign_folders_are_a_sentence_that_names_the_file(stored, name, text, message):
    path = stored.folder / name
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(DataError, match=f"{name}.*{message}" if text else message):
        _ = stored.manifest, stored.metrics, stored.verdict


def test_a_field_of_the_wrong_type_is_named_with_its_place(stored):
    edit(stored.folder, "verdict.json", n_trials="many")
    with pytest.raises(DataError, match=r"verdict.json is not what this version reads: n_trials: input should be"):
        _ = stored.verdict


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_that_is_missing_or_broken_is_named(stored, table):
    path = stored.folder / table.file
    if "experiment" not in table.kinds:
        assert stored.table(table).is_empty()
        return
    path.write_bytes(b"PAR1")
    with pytest.raises(DataError, match=f"{table.file} cannot be read"):
        stored.table(table)
    path.unlink()
    with pytest.raises(DataError, match=f"{table.file} is missing"):
        stored.table(table)


def test_a_rank_run_has_no_forecasts(tmp_path):
    stored = StoredRun(write_example(tmp_path, kind="ranks"))
    assert stored.table(FORECASTS).schema == FORECASTS.empty.schema
    assert stored.table(LABELS).is_empty()
    assert len(stored.table(UNIVERSE)) == 1


def test_the_writer_refuses_what_could_not_be_read_back(tmp_path):
    folder = RunFolder.create(tmp_path, "r")
    with pytest.raises(DataError, match=r"metrics.json would not be as the schema says: market.noise: extra inputs"):
        folder.write_metrics(METRICS | {"market": METRICS["market"] | {"noise": 1}})
    with pytest.raises(DataError, match=r"verdict.json would not be as the schema says: n_days: field required"):
        folder.write_verdict({name: value for name, value in VERDICT.items() if name != "n_days"})
    assert not list(folder.path.iterdir())


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (rows(TRADES).drop("stop"), "stop is missing"),
        (rows(TRADES).with_columns(pl.lit(1).alias("mood")), "mood is unknown"),
        (rows(TRADES).with_columns(pl.lit("x").alias("side")), "side is String"),
    ],
)
def test_the_writer_holds_tables_to_their_columns(tmp_path, frame, message):
    with pytest.raises(DataError, match=f"trades.parquet would not be as the schema says: {message}"):
        RunFolder.create(tmp_path, "r").write_table(TRADES, frame)


def test_forecasts_may_have_any_number_of_regimes(tmp_path):
    frame = rows(FORECASTS).with_columns(pl.lit(0.5).alias("regime_7"))
    assert RunFolder.create(tmp_path, "r").write_table(FORECASTS, frame).name == "forecasts.parquet"


def test_a_verdict_and_metrics_of_different_runs_are_told_apart(stored):
    judged = {"verdict": "refuted", "sentence": "", "leg": None, "n_trades": 0, "n_days": 0} | dict.fromkeys(NUMBERS)
    edit(stored.folder, "verdict.json", profiles={"EDGE": judged})
    with pytest.raises(DataError, match="are not of one run: the one judges EDGE, the other is about nobody"):
        _ = stored.verdict


def test_metrics_that_every_profile_has_are_asked_for_by_name(stored):
    measured = {"sharpe": {"value": 1.0, "n": 9, "low": None, "high": None}}
    own = {"description": "", "exit_reasons": {}, "n_decisions": 0, "highest_confidence": None, "metrics": measured}
    edit(stored.folder, "metrics.json", profiles={"EDGE": own})
    with pytest.raises(DataError, match=r"profiles.EDGE.metrics: .*profit_total, winrate, .* missing"):
        _ = stored.metrics


@pytest.mark.parametrize("costs", [None, 5.0, {"taker_bps": None}])
def test_a_manifest_without_costs_says_so(stored, costs):
    assert stored.manifest.costs.taker_bps == 5.0
    edit(stored.folder, "manifest.json", config={"costs": costs})
    with pytest.raises(DataError, match="does not say its costs"):
        _ = StoredRun(stored.folder).manifest.costs


def test_what_is_proven_until_a_date_is_not_proven(tmp_path):
    folder = write_example(tmp_path)
    one = dict.fromkeys((*NUMBERS, "leg")) | {"sentence": "", "n_trades": 90, "n_days": 900, "verdict": "proven"}
    measured = {key: {"value": None, "n": 0, "low": None, "high": None} for key in ALWAYS_MEASURED}
    own = {"description": "", "exit_reasons": {}, "n_decisions": 0, "highest_confidence": None, "metrics": measured}
    deployed = json.loads((folder / "manifest.json").read_text())["deployed_profile"].upper()
    for until, is_proven in ((None, True), ("2022-06-30", False)):
        edit(folder, "verdict.json", profiles={deployed: one | {"until": until}})
        edit(folder, "metrics.json", profiles={deployed: own})
        assert StoredRun(folder).is_proven == is_proven
