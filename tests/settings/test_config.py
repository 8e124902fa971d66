import pytest

from tradsys.backtest.margin_spec import MarginSpec
from tradsys.core.costs import Costs
from tradsys.core.errors import ConfigError
from tradsys.settings.config import RunConfig


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("STRATEGY_PROFILE", "TRADSYS_LABELS__HORIZON"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_the_profile_is_chosen_in_dotenv_as_in_the_journal(empty_folder):
    (empty_folder / ".env").write_text("STRATEGY_PROFILE=AUDITED\nEXCHANGE_SECRET=none of our business\n")
    assert RunConfig.load().strategy_profile == "AUDITED"


def test_a_mistyped_variable_is_named_with_the_right_one(empty_folder):
    (empty_folder / ".env").write_text("STRATEGY_PROFLE=AUDITED\n")
    with pytest.raises(ConfigError, match=r"\.env sets STRATEGY_PROFLE.* did you mean STRATEGY_PROFILE"):
        RunConfig.load()


def test_the_place_that_sets_a_key_and_wins_is_known(empty_folder, monkeypatch):
    def place(**overrides):
        return RunConfig.places(overrides=overrides).get("strategy_profile")

    assert place() is None
    (empty_folder / "tradsys.toml").write_text('strategy_profile = "EDGE"\n')
    assert place() == "tradsys.toml"
    (empty_folder / ".env").write_text("STRATEGY_PROFILE=AUDITED\n")
    assert place() == ".env"
    monkeypatch.setenv("TRADSYS_STRATEGY_PROFILE", "EDGE")
    assert place() == "the environment"
    assert place(strategy_profile="EDGE") == "the command line"


def test_command_line_beats_environment_beats_dotenv_beats_file(empty_folder, monkeypatch):
    (empty_folder / "tradsys.toml").write_text("[labels]\nhorizon = 1\nupper = 9.0\n")
    assert RunConfig.load().labels.horizon == 1
    (empty_folder / ".env").write_text("TRADSYS_LABELS__HORIZON=2\n")
    assert RunConfig.load().labels.horizon == 2
    monkeypatch.setenv("TRADSYS_LABELS__HORIZON", "3")
    assert RunConfig.load().labels.horizon == 3
    settled = RunConfig.load(overrides={"labels.horizon": "4"})
    assert (settled.labels.horizon, settled.labels.upper) == (4, 9.0)


def test_an_unknown_key_names_the_nearest_wherever_it_stands(empty_folder, monkeypatch):
    with pytest.raises(ConfigError, match=r"command line sets 'labels.horizn'.* did you mean 'labels.horizon'"):
        RunConfig.load(overrides={"labels.horizn": "4"})
    (empty_folder / "tradsys.toml").write_text("[cost]\ntaker_bps = 1\n")
    with pytest.raises(ConfigError, match=r"tradsys.toml sets 'cost.taker_bps'.* did you mean 'costs.taker_bps'"):
        RunConfig.load()
    (empty_folder / "tradsys.toml").unlink()
    monkeypatch.setenv("TRADSYS_SED", "1")
    with pytest.raises(ConfigError, match=r"the environment sets 'sed'.* did you mean 'seed'"):
        RunConfig.load()


def test_an_impossible_value_names_the_key_and_what_was_found():
    with pytest.raises(ConfigError, match=r"folds.initial: .* less than 1, found 20"):
        RunConfig.load(overrides={"folds.initial": "20"})


def test_a_missing_file_is_an_error_only_where_it_was_asked_for(empty_folder):
    with pytest.raises(ConfigError, match="no settings file at"):
        RunConfig.load(file=empty_folder / "other.toml")


def test_the_digest_covers_what_is_tried_and_not_what_is_deployed():
    digest = RunConfig.load().digest
    assert RunConfig.load(overrides={"strategy_profile": "EDGE"}).digest == digest
    assert RunConfig.load(overrides={"labels.horizon": "6"}).digest != digest


@pytest.mark.parametrize("value", ["nan", "NaN", "Infinity", "-inf"])
def test_a_number_that_is_not_finite_is_refused(value):
    with pytest.raises(ConfigError, match=r"costs.taker_bps: input should be a finite number"):
        RunConfig.load(overrides={"costs.taker_bps": value})


def test_one_word_is_a_list_of_one():
    settled = RunConfig.load(overrides={"portfolio.sides": "short", "features.names": "rsi"})
    assert (settled.portfolio.sides, settled.features.names) == (("short",), ("rsi",))


def test_the_first_part_and_the_lockbox_leave_something_to_test():
    with pytest.raises(ConfigError, match=r"folds: .*add up to less than 1"):
        RunConfig.load(overrides={"folds.initial": "0.6", "folds.lockbox": "0.5"})


def test_a_stored_preset_is_what_was_fitted_and_its_sizes_are_part_of_the_digest():
    chosen = RunConfig(agent={"preset": "journal-golden"})
    assert chosen.agent.shape["d_model"] == 128
    assert RunConfig(**chosen.model_dump(mode="json")).agent.shape == chosen.agent.shape
    by_hand = RunConfig(agent={"preset": "journal-golden", "d_model": 64})
    assert by_hand.agent.shape["d_model"] == 64  # the default, set by hand
    assert by_hand.digest != chosen.digest


def test_where_attention_starts_reaches_the_agent():
    pytest.importorskip("torch")
    from tradsys.research.walk.agents import forecasters

    plain, ordinary, asked = (
        RunConfig(agent={"name": "transformer", **start})
        for start in ({}, {"attention_start": "ordinary"}, {"attention_start": "recent"})
    )
    assert ordinary.digest == plain.digest != asked.digest
    for config, start in ((plain, "ordinary"), (asked, "recent")):
        (transformer,) = (one for one in forecasters(config.agent) if one.name == "transformer")
        assert transformer.attention_start == start


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("costs.taker_bps", "-50", "costs.taker_bps: input should be greater than or equal to 0, found -50"),
        ("costs.maker_bps", "-6", "costs.maker_bps: input should be greater than or equal to -5, found -6"),
        ("costs.slippage_bps", "-1", "costs.slippage_bps: .* found -1"),
        ("costs.funding_bps_per_8h", "5000", "costs.funding_bps_per_8h: .* found 5000"),
        ("costs.borrow_bps_per_year", "1e9", "costs.borrow_bps_per_year: .* found 1"),
        ("portfolio.fraction", "0", "portfolio.fraction: .* greater than 0, found 0"),
        ("portfolio.cap", "nan", "portfolio.cap: input should be a finite number"),
        ("portfolio.cash_quote", "-10", "portfolio.cash_quote: .* found -10"),
        ("portfolio.maintenance", "-0.1", "portfolio.maintenance: .* found -0.1"),
        ("portfolio.liquidation_fee_bps", "inf", "portfolio.liquidation_fee_bps: .* found 'inf'"),
    ],
)
def test_money_that_cannot_be_is_refused_by_its_key(key, value, message):
    with pytest.raises(ConfigError, match=message):
        RunConfig.load(overrides={key: value})


def test_every_setting_that_is_in_bounds_makes_the_specs_of_a_run():
    settled = RunConfig.load(
        overrides={"costs.maker_bps": "-5", "portfolio.maintenance": "0.5", "portfolio.liquidation_fee_bps": "5000"}
    )
    assert Costs(**settled.costs.model_dump()).maker_bps == -5
    assert settled.portfolio.margin == MarginSpec(0.5, 5000.0)


def test_settings_of_another_encoding_are_a_sentence(empty_folder):
    (empty_folder / "tradsys.toml").write_bytes('strategy_profile = "ÉDGE"\n'.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"tradsys\.toml is no UTF-8, which TOML is"):
        RunConfig.load()
