"""The process kept from telling secrets: what it logs, warns of and crashes with goes through the scrubber first."""

import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from functools import partial
from types import TracebackType
from typing import Any, TextIO

from tradsys.live.account.scrub import Scrubber


class ScrubbedStream:
    """A text stream whose lines go through the scrubber; everything else is the stream's own."""

    def __init__(self, stream: TextIO, scrubber: Scrubber) -> None:
        self._stream, self._scrubber = stream, scrubber

    def write(self, text: str) -> int:
        """Write it without secrets; one that is cut into several writes of less than 8 characters passes."""
        self._stream.write(self._scrubber.text(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def guard_process(scrubber: Scrubber) -> Callable[[], None]:
    """From now on nothing that this process logs, prints, warns of or crashes with holds a secret.

    Log records are made without secrets, tracebacks included, whoever handles them; so are uncaught exceptions of any
    thread and those that Python can only report. Call it before the first secret is used; what it returns ends it.
    """
    factory, hooks = logging.getLogRecordFactory(), (sys.excepthook, threading.excepthook, sys.unraisablehook)
    streams = (sys.stdout, sys.stderr)
    logging.setLogRecordFactory(_factory(factory, scrubber))
    sys.stdout, sys.stderr = (ScrubbedStream(stream, scrubber) for stream in streams)
    sys.excepthook = partial(_print, scrubber)
    threading.excepthook = lambda args: _print(scrubber, args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = lambda args: _print(scrubber, args.exc_type, args.exc_value, args.exc_traceback)

    def end() -> None:
        logging.setLogRecordFactory(factory)
        sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
        sys.stdout, sys.stderr = streams

    return end


def _factory(factory: Callable[..., logging.LogRecord], scrubber: Scrubber) -> Callable[..., logging.LogRecord]:
    formatter = logging.Formatter()

    def make(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = factory(*args, **kwargs)
        record.msg, record.args = scrubber.text(record.getMessage()), ()
        if record.exc_info:
            # a formatter takes the text that is there already; the exception itself goes no further
            record.exc_text, record.exc_info = scrubber.text(formatter.formatException(record.exc_info)), None
        if record.stack_info:
            record.stack_info = scrubber.text(record.stack_info)
        return record

    return make


def _print(
    scrubber: Scrubber,
    kind: type[BaseException] | None,
    error: BaseException | None,
    trace: TracebackType | None,
) -> None:
    text = "".join(traceback.format_exception(kind, error, trace))
    sys.stderr.write(scrubber.text(text))
