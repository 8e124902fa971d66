"""`tradsys` and `python -m tradsys`: Ctrl-C is heeded before anything heavy is imported."""

import sys

from tradsys.cli.interrupts import heeding


def main() -> int:
    """Run the command line that this process was begun with."""
    with heeding():
        from tradsys.cli.app import main as command_line

        return command_line()


if __name__ == "__main__":
    sys.exit(main())
