"""`python -m tradsys.web.runs.judging RUNS JOURNAL NAME`: a run's verdict as of now, as one line of JSON.

A process of its own: judging loads compilers and models that the server does without, and is over in seconds.
"""

import json
import os
import sys
from pathlib import Path

from tradsys.core.errors import TradsysError
from tradsys.journal.ledger import Ledger
from tradsys.research.judging.rejudge import Replay, rejudge
from tradsys.research.judging.run_folders import count_run_folders
from tradsys.web.site import LEDGER


def main(runs: Path, journal: Path, name: str) -> int:
    """Print what `tradsys compare` says of the run; an error of ours is a sentence on stderr."""
    try:
        ledger = Ledger(journal / LEDGER)
        count_run_folders(runs, ledger)
        judged = rejudge(Replay(runs / name), ledger)
    except TradsysError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    said = {"verdict": judged.now.to_json(), "sentences": judged.sentences, "lapsed": judged.lapsed}
    sys.stdout.write(json.dumps(said) + "\n")
    return 0


if __name__ == "__main__":
    os.nice(10)  # a bot on this machine goes first
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
