"""`python -m tradsys` is the command line."""

import sys

from tradsys.cli.app import main

sys.exit(main())
