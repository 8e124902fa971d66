"""Waiting for a venue: not for long, and again, where asking twice changes nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from tradsys.live.venue import VenueUnknown


async def within[T](timeout_ms: int, question: Callable[[], Awaitable[T]]) -> T:
    """The answer, or VenueUnknown where it takes longer: a position may be waiting for it."""
    try:
        async with asyncio.timeout(timeout_ms / 1_000):
            return await question()
    except TimeoutError:
        raise VenueUnknown(f"no answer within {timeout_ms} ms") from None


async def patiently[T](timeout_ms: int, waits_ms: Sequence[int], question: Callable[[], Awaitable[T]]) -> T:
    """The answer to a question that changes nothing, asked again after these waits where there was none."""
    for wait_ms in waits_ms:
        try:
            return await within(timeout_ms, question)
        except VenueUnknown:
            await asyncio.sleep(wait_ms / 1_000)
    return await within(timeout_ms, question)


async def together[T](work: Sequence[Awaitable[T]]) -> list[T]:
    """Their results, all begun at once; an error is raised after every one of them has come to its end.

    So no order is on its way any more when somebody hears of another one's error. An error of ours comes before one of
    the venue.
    """
    results = await asyncio.gather(*work, return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    if errors:
        raise next((error for error in errors if not isinstance(error, VenueUnknown)), errors[0])
    return [result for result in results if not isinstance(result, BaseException)]
