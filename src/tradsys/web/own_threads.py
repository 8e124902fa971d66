"""Work that may take a minute, in a thread of its own: neither other pages nor Ctrl-C wait for it."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future


async def aside[**P, T](work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `work` gives; the forty threads that make pages stay free, and the process may end before it does."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(work(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return await asyncio.wrap_future(future)
