"""Run in a process of its own: `tradsys tune`, killed by the system in the middle of a batch if it is told when.

Where TEST_HOST is set, this machine has that name.
"""

import os
import signal
import socket
import sys
from contextlib import contextmanager

from tradsys.cli.app import main


def kill_at(call: int) -> None:
    """Wrap the evaluator: at this call the process is gone, as if the machine had taken it away."""
    from tradsys.research.tuning import tune

    whole = tune.evaluator

    @contextmanager
    def dying(*given):
        calls = 0
        with whole(*given) as evaluate:

            def count(fits):
                nonlocal calls
                calls += 1
                if calls == call:
                    os.kill(os.getpid(), signal.SIGKILL)
                return evaluate(fits)

            yield count

    tune.evaluator = dying


if __name__ == "__main__":
    if host := os.environ.get("TEST_HOST"):
        socket.gethostname = lambda: host
    if int(sys.argv[1]):
        kill_at(int(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
