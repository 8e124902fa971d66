import pytest

from tradsys.core.errors import ConfigError
from tradsys.core.variables import dotenv_variables, refuse_mistyped

OURS = ("STRATEGY_PROFILE", "TRADSYS_LABELS__HORIZON", "TRADSYS_SEED")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("STRATEGY_PROFLE", "STRATEGY_PROFILE"),
        ("STRATGY_PROFILE", "STRATEGY_PROFILE"),
        ("Strategy_Profile", "STRATEGY_PROFILE"),
        ("TRADSY_LABELS__HORIZON", "TRADSYS_LABELS__HORIZON"),
        ("tradsys_labels__horizon", "TRADSYS_LABELS__HORIZON"),
        ("LABELS__HORIZON", "TRADSYS_LABELS__HORIZON"),
        ("TRADESYS_SEED", "TRADSYS_SEED"),
    ],
)
def test_what_was_meant_to_be_ours_is_named(given, meant):
    with pytest.raises(ConfigError, match=rf"^\.env sets {given}, which nothing reads; did you mean {meant}\?"):
        refuse_mistyped([given], OURS, ".env")


@pytest.mark.parametrize(
    "given",
    ["PATH", "EXCHANGE_SECRET", "SEED", "STRATEGY", "PROFILE", "TRADES_DB", "DB__HORIZON", "TRADSYS_DEBUG", *OURS],
)
def test_what_belongs_to_others_is_left_alone(given):
    refuse_mistyped([given], OURS, ".env")


def test_a_dotenv_of_another_encoding_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes("STRATEGY_PROFILE=ÉDGE\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"\.env is no UTF-8"):
        dotenv_variables()
