"""Where the pages read, and whether they may command a bot."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

LEDGER: Final = "ledger.jsonl"
"""The ledger's file in the journal."""


@dataclass(frozen=True, slots=True)
class Site:
    """Folders that the pages are views of; nothing is written into them but, where allowed, commands to a bot."""

    runs: Path = Path("runs")
    journal: Path = Path("journal")
    live: Path = Path("live")
    store: str = "data"
    calibration: Path = Path("calibration")
    is_control_allowed: bool = False
    """Whether the bot's page may stop entries, resume and flatten; otherwise every page only reads."""

    @property
    def ledger(self) -> Path:
        """The file of the ledger."""
        return self.journal / LEDGER
