"""One agent with several seeds, trained in one call on the same rows."""

from collections.abc import Sequence

from tradsys.core.seeds import derive
from tradsys.models.crops import CropBank, best_device
from tradsys.models.network_agent import NetworkAgent, masked
from tradsys.models.onnx_forecaster import OnnxForecaster
from tradsys.models.panel import Panel, Rows
from tradsys.models.training import Progress, train


def fit_seeds(
    agent: NetworkAgent, panel: Panel, rows: Rows, *, seeds: Sequence[int], progress: Progress | None = None
) -> list[OnnxForecaster]:
    """What `agent.fit` gives for each seed, up to rounding: the networks are trained side by side."""
    early, late = agent.split(panel, rows)
    offset = agent.offset.fit(panel, early, seed=0)
    network, recipe, n = agent.network(len(panel.columns)), agent.recipe(), len(seeds)
    bank = CropBank.build(
        panel.X,
        panel.y,
        offset=[[agent.start(offset.logits(X)) for X in panel.X]] * n,
        fit=[masked(panel.weight, early)] * n,
        check=[masked(panel.weight, late)] * n,
        margin=sum(recipe.crop_length(network)),
        device=best_device(),
    )
    own = [derive(seed, agent.name) for seed in seeds]
    models = train(network, bank, agent.loss(), recipe, seeds=own, progress=progress)
    constant = agent.zero_information(panel, late)
    return [agent.fitted(panel, rows, offset, one, constant) for one in models]
