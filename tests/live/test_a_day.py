"""A simulated day of a bot at a sixth of its pace, whose venue fails: no memory piles up, and no file without end."""

import gc
import random
import sys
from pathlib import Path

import pytest
from tests.live.test_bot import HOUR_MS, Session
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.core.time import ts_ms
from tradsys.live.control import Command
from tradsys.live.risk.limits import RiskLimits
from tradsys.live.venue import Venue, VenueUnknown

N_HOURS = 24
WARM_HOURS = 4
SHARE_OF_FAULTS = 0.05
"""Of the answers of the venue, how many are lost, half of them after the deed."""

pytestmark = pytest.mark.slow


def fail_now_and_then(venue: Venue, rng: random.Random) -> None:
    """Some answers of the venue never arrive."""

    def failing(ask):
        async def asked(*args, **options):
            fault = rng.random() < SHARE_OF_FAULTS
            if fault and rng.random() < 0.5:
                raise VenueUnknown("no answer in time")
            answer = await ask(*args, **options)
            if fault:
                raise VenueUnknown("the answer was lost")
            return answer

        return asked

    for name in ("place", "cancel", "account", "open_orders", "order"):
        setattr(venue, name, failing(getattr(venue, name)))


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_day_takes_no_more_memory_or_disk_than_its_first_hours_foretell(tmp_path, bars, predictor):
    frame = bars.drop("symbol", strict=False).head(1_200)
    start_ms = int(ts_ms(frame)[-N_HOURS - 2])
    blocks, sizes = [], []

    async def hourly(session: Session) -> None:
        for hour in range(N_HOURS):
            await session.tape._until(start_ms + (hour + 1) * HOUR_MS + 300_000)
            gc.collect()
            blocks.append(sys.getallocatedblocks())
            sizes.append(size_of(session.folder))
        session.told.clear()
        session.control.push(Command("stop"))

    async def main(clock: LoopClock) -> Session:
        session = Session(tmp_path / "test", frame, predictor, clock, RiskLimits(max_errors=10_000))
        session.pace = 6.0
        session.first_ms = start_ms
        fail_now_and_then(session.venue, random.Random(7))
        await session.run(hourly)
        return session

    session = run_virtual(main, epoch_ms=start_ms + 60_000)
    assert len(session.trades) > 3
    n_hours = N_HOURS - WARM_HOURS
    assert (blocks[-1] - blocks[WARM_HOURS]) / n_hours < 200, "blocks an hour: some kilobytes, of a process of 250 MB"
    assert (sizes[-1] - sizes[WARM_HOURS]) / n_hours < 20_000, "bytes an hour: 170 MB a year"
