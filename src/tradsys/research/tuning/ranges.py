"""What can be tuned and between which bounds: agents, features, barriers and training."""

from collections.abc import Sequence

from tradsys.core.errors import ConfigError
from tradsys.research.tuning.space import Choice, Given, Range, Space, restricted
from tradsys.settings.config import RunConfig

_AGENT = "agent.name"

_TRANSFORMER: Given = (("agent.name", ("transformer",)),)
_NETWORK: Given = (("agent.name", ("transformer", "resnet")),)
_FOCAL: Given = (*_NETWORK, ("agent.objective", ("focal",)))
_RIDGED: Given = (("agent.name", ("logistic", "symmetric", "volatility", "transformer", "resnet")),)

_FEW = "returns,average_distance,close_location,volatility_ratios,absolute_return,seasonal_volatility"
_MORE = (
    "returns,lagged_returns,rsi,macd,average_distance,close_location,wick,vwap_distance,volume_return,volatility_ratios,"
    "absolute_return,range_zscore,volume_zscore,seasonal_volatility,frac_diff"
)

DEFAULT = Space(
    (
        Choice("agent.name", ("logistic", "symmetric", "xgboost", "volatility", "transformer", "resnet")),
        Range("agent.penalty", 0.03, 10.0, is_log=True, given=_RIDGED),
        Choice("agent.objective", ("bce", "focal", "supcon"), given=_NETWORK),
        Range("agent.focal_gamma", 0.5, 4.0, given=_FOCAL),
        Choice("agent.d_model", (32, 64, 128), given=_TRANSFORMER),
        Range("agent.n_layers", 1, 4, step=1, given=_TRANSFORMER),
        Choice("agent.n_heads", (2, 4), given=_TRANSFORMER),
        Range("agent.window", 12, 120, step=12, given=_NETWORK),
        Range("agent.dropout", 0.0, 0.4, given=_NETWORK),
        Range("agent.learning_rate", 5e-5, 5e-3, is_log=True, given=_NETWORK),
        Range("agent.max_steps", 100, 800, step=100, given=_NETWORK),
        Choice("features.names", (None, _FEW, _MORE)),
        Range("labels.upper", 0.75, 4.0, is_log=True),
        Range("labels.lower", 0.75, 4.0, is_log=True),
        Range("labels.horizon", 4, 96, is_log=True, step=1),
        Choice("labels.weights", ("uniqueness", "return")),
        Range("labels.time_decay", 0.25, 1.0),
    )
)
"""Settings that decide what is forecast and how. Costs, sizes, folds and the verdict's rules are no choices."""


def asked_for(base: RunConfig, over: Sequence[str], fixed: Sequence[str]) -> tuple[RunConfig, Space]:
    """What a study begins with and varies (`restricted`); agent "all" is a choice among them, the first to begin with.

    The ensemble is refused: it learns from forecasts out of fold, which every fold of a study would have to make within
    itself.
    """
    is_searched = any(text.partition("=")[0] == _AGENT for text in over)
    if base.agent.name == "ensemble" and not is_searched:
        raise ConfigError(
            "the ensemble pools what its members say out of fold, which no single fold of a study has, found --agent "
            "ensemble; tune a member, or --agent all to choose among agents, and run golden.toml with --agent ensemble"
        )
    if base.agent.name != "all":
        return base, restricted(DEFAULT, over, fixed)
    over = over if is_searched or not over else (_AGENT, *over)
    space = restricted(DEFAULT, over, [key for key in fixed if key != _AGENT])
    agents = space[_AGENT]
    assert isinstance(agents, Choice)
    return base.with_settings({_AGENT: agents.options[0]}), space


def may_be_network(space: Space, base: RunConfig) -> bool:
    """Whether some trial of the space, begun from these settings, trains a network."""
    choices = (one.options for one in space.parameters if isinstance(one, Choice) and one.key == "agent.name")
    named = next(choices, (base.agent.name,))
    return any(base.with_settings({"agent.name": name}).agent.is_network for name in named)
