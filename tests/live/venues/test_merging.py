"""Several streams as one."""

import asyncio

import pytest
from tests.live.virtual_time import run_virtual

from tradsys.live.venue import VenueUnknown
from tradsys.live.venues.merging import merged


async def source(name, count, every_s, closed, error=None):
    try:
        for number in range(count):
            await asyncio.sleep(every_s)
            yield f"{name}{number}"
        if error:
            raise error
    finally:
        closed.append(name)


async def collected(closed, *sources):
    found = []
    try:
        async for one in merged([source(*given[:3], closed, *given[3:]) for given in sources]):
            found.append(one)
    except VenueUnknown as error:
        found.append(str(error))
    assert asyncio.get_running_loop().time() < 4  # nobody waits for the others to end by themselves
    return found


def test_it_yields_what_any_yields_and_ends_with_the_first_that_ends():
    closed = []
    assert run_virtual(lambda clock: collected(closed, ("a", 3, 1.0), ("b", 99, 1.3))) == ["a0", "b0", "a1", "b1", "a2"]
    assert sorted(closed) == ["a", "b"]


def test_it_fails_as_the_first_that_fails_and_closes_the_others():
    closed = []
    found = run_virtual(lambda clock: collected(closed, ("a", 2, 1.0, VenueUnknown("gone")), ("b", 99, 0.9)))
    assert found == ["b0", "a0", "b1", "a1", "gone"]
    assert sorted(closed) == ["a", "b"]


@pytest.mark.parametrize("is_waiting", [True, False])
def test_a_caller_that_goes_closes_all(is_waiting):
    closed = []

    async def main(clock):
        streams = merged([source("a", 9, 1.0, closed), source("b", 9, 1.3, closed)])
        await anext(streams)
        if is_waiting:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(streams), 0.1)
        else:
            await streams.aclose()

    run_virtual(main)
    assert sorted(closed) == ["a", "b"]
