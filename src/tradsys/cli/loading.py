"""What a command works with: its settings, the market that they describe, and the plan that has room for the work."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradsys.cli.extras import Needs
    from tradsys.data.market import Market
    from tradsys.machine.plan import Plan
    from tradsys.machine.work import Work
    from tradsys.settings.config import RunConfig


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings in force, bars with all that was asked for, and what the work may take of the machine."""

    config: "RunConfig"
    market: "Market"
    plan: "Plan"


def load(
    bars: Sequence[str],
    overrides: Mapping[str, Any],
    *,
    needs: "Needs",
    file: Path | None,
    work: Callable[["RunConfig", int], "Work"],
    config: "RunConfig | None" = None,
    ranks: bool = False,
) -> Loaded:
    """Settings, market and plan; `work` estimates what is to be done with these settings on so many rows of bars.

    What the command `needs`, and what a network does where it is to train one, is asked for before anything is loaded.

    `overrides` are dotted keys of the command line, `file` what --config named. `config` stands for the settings where
    the command has changed them already; `ranks` loads no more than `tradsys rank` reads. Work that does not fit is a
    MachineError.
    """
    from tradsys.cli.machine import plan_for
    from tradsys.data.settings import DataSettings
    from tradsys.settings.config import RunConfig
    from tradsys.settings.market import configured_market, ranked_market

    settled = config or RunConfig.load(file=file, overrides=overrides)
    needs.check(settled.agent.name, trains_network=work(settled, 0).trains_network)
    data = DataSettings.load(file=file, overrides=overrides)
    market = (ranked_market if ranks else configured_market)(bars, settled, data)
    return Loaded(settled, market, plan_for(settled.machine.plan, work(settled, len(market.bars))))


def market_text(market: "Market") -> str:
    """What was loaded, and what the importer repaired or noticed."""
    head = f"{len(market.bars):,} bars of {', '.join(market.symbols)} from {', '.join(market.sources)}"
    return "\n".join([head, *(f"  {'repaired' if r.changed else 'noticed'}: {r.sentence}" for r in market.repairs)])
