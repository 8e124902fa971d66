"""Who is champion and who challenger of a market, as the journal has it: what aliases of a registered model say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tradsys.journal.book import MarketBook

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
ALIASES: Final = (CHAMPION, CHALLENGER)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Which configuration a run tried, and which of its profiles it deploys."""

    experiment: str
    deployed: str


@dataclass(frozen=True, slots=True)
class MarketSeat:
    """A run's profile on a seat of its market, and why; `run` is the name that the ledger gives it."""

    alias: str
    run: str
    profile: str
    why: str


def seats(market: MarketBook, runs: Mapping[str, RunFacts]) -> list[MarketSeat]:
    """The champion that `tradsys journal promote` has seated, and the challenger, each only where there is one.

    The challenger is the newest finished run among `runs` whose configuration and deployed profile are not the
    champion's: what would be put forward next.
    """
    champion = market.champion
    taken = [] if champion is None else [MarketSeat(CHAMPION, champion["run"], champion["profile"], champion["why"])]
    holder = None if champion is None else (champion["experiment"], champion["profile"])
    for idea in reversed(market.ideas):
        facts = runs.get(idea.name) if idea.kind == "run" else None
        if facts is not None and (facts.experiment, facts.deployed) != holder:
            return [*taken, MarketSeat(CHALLENGER, idea.name, facts.deployed, f"the newest run besides: {idea.title}")]
    return taken
