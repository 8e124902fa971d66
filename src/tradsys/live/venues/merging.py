"""Several streams as one, which ends as soon as one of them does."""

import asyncio
from collections.abc import AsyncIterator, Sequence

MOST_WAITING = 10_000
"""Hints that nobody took yet; more of them than this say nothing new, and the stream waits."""


async def merged[T](sources: Sequence[AsyncIterator[T]]) -> AsyncIterator[T]:
    """What any of them yields; where one ends or fails, the others are closed and the whole ends or fails as it did."""
    queue: asyncio.Queue[T] = asyncio.Queue(MOST_WAITING)
    readers = [asyncio.create_task(_into(queue, source)) for source in sources]
    try:
        while True:
            taking = asyncio.create_task(queue.get())
            done, _ = await asyncio.wait({taking, *readers}, return_when=asyncio.FIRST_COMPLETED)
            if taking in done:
                yield taking.result()
                continue
            taking.cancel()
            for reader in done:
                reader.result()
            return
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)


async def _into[T](queue: asyncio.Queue[T], source: AsyncIterator[T]) -> None:
    async for one in source:
        await queue.put(one)
