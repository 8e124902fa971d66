import pytest

from tradsys.core.errors import ConfigError
from tradsys.core.settings import dotted
from tradsys.settings.config import RunConfig
from tradsys.settings.unread import is_read
from tradsys.settings.words import WORDS

KEYS = set(dotted(RunConfig))


@pytest.mark.parametrize("key", sorted(set(WORDS.values())))
def test_every_word_means_a_setting_that_there_is(key):
    assert key in KEYS


def test_no_word_is_a_setting_of_its_own_name():
    assert not KEYS & set(WORDS)


@pytest.mark.parametrize(
    ("command", "given", "meant"),
    [
        ("run", "horizon", "labels.horizon"),
        ("rank", "horizon", "rank.horizon"),
        ("run", "labels.target", "labels.upper"),
        ("run", "labels.stop", "labels.lower"),
        ("run", "labels.horizn", "labels.horizon"),
        ("run", "target", "labels.upper"),
        ("run", "leverage", "portfolio.cap"),
        ("run", "cost.taker_bps", "costs.taker_bps"),
        ("run", "slippage_bps", "costs.slippage_bps"),
        ("run", "agent.steps", "agent.max_steps"),
        ("run", "sed", "seed"),
        ("run", "fold.n_folds", "folds.n_folds"),
        ("run", "lookback", "rank.lookback"),
        ("train", "n_bootstrap", "verdict.n_bootstrap"),
    ],
)
def test_a_setting_that_there_is_not_names_the_one_that_was_meant(command, given, meant):
    with pytest.raises(ConfigError, match=rf"sets '{given}', which is no setting; did you mean '{meant}'\?"):
        RunConfig.load(overrides={given: "6"}, is_read=lambda key: is_read(command, key))
