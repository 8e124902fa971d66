"""Random sequences whose disk takes nothing at random times, so that deaths lose what only the memory knew."""

import random
import sqlite3
from typing import Any

import pytest
from tests.live.execution.simulation import Sequence, run_sequence
from tests.live.execution.spot_simulation import SpotSequence

from tradsys.core.errors import DiskError
from tradsys.live.intents import IntentJournal


def _copied(db: sqlite3.Connection) -> sqlite3.Connection:
    copy = sqlite3.connect(":memory:", isolation_level=None)
    db.backup(copy)
    return copy


class ForgetfulJournal(IntentJournal):
    """Goes on in memory while its disk is full; a crash then leaves what the disk had taken before."""

    _on_disk: sqlite3.Connection | None = None

    def turn(self) -> None:
        """The disk is full from now on, or free again."""
        if self._on_disk is None:
            self._on_disk, self.trouble = _copied(self._db), "the disk is full"
        else:
            self._on_disk.close()
            self._on_disk, self.trouble = None, ""

    def crash(self) -> None:
        if self._on_disk is not None:
            self._db.close()
            self._db = _copied(self._on_disk)

    def keep_room(self) -> None:
        if self.trouble:
            raise DiskError(self.trouble)

    def _change(self, *statements: Any, is_new: bool = False) -> None:
        if is_new and self.trouble:
            raise DiskError(self.trouble)
        self._commit(statements)


class _Forgetful:
    """What is added to a sequence; ids that were only in a memory that is gone are not asked for in the journal."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.journal = ForgetfulJournal(":memory:")
        self.kill_rate, self.disk = 0.03, random.Random(f"disk:{self.seed}")
        self.is_over = False
        self._turn()

    def _turn(self) -> None:
        if not self.is_over or self.journal.trouble:
            self.journal.turn()
        if not self.is_over:
            self.exchange.agenda.after(self.disk.randrange(300, 5_000), self._turn)

    async def _live(self, end_ms: int) -> None:
        await super()._live(end_ms)
        self.journal.crash()

    async def _settle(self) -> None:
        self.is_over = True
        self._turn()
        await super()._settle()

    def _none(self, what: str, found: Any) -> None:
        if what != "ids that the journal does not know":
            super()._none(what, found)


class ForgetfulSequence(_Forgetful, Sequence):
    """With positions."""


class ForgetfulSpot(_Forgetful, SpotSequence):
    """With coins, and coins of somebody else."""


@pytest.mark.parametrize("kind", [ForgetfulSequence, ForgetfulSpot])
def test_nothing_is_sold_twice_nor_left_without_its_stop_by_what_a_crash_forgot(kind):
    figures = [run_sequence(seed, kind=kind) for seed in range(80)]
    assert {one.seed: one.failures for one in figures if one.failures} == {}
    assert sum(one.n_kills for one in figures) > 40
