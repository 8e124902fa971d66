"""Write docs/reference/ from the code: commands, settings, files of a run, entries of the ledger, and the Python API.

python scripts/reference            # write the pages
python scripts/reference --check    # exit with 1 where one is out of date
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import api_pages
import commands_page
import files_page
import settings_page

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"
PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands_page.page,
    "settings.md": settings_page.page,
    "run-folder.md": files_page.run_folder,
    "ledger.md": files_page.ledger,
    "api.md": api_pages.index,
    **{f"api-{name}.md": partial(api_pages.page, name) for name in api_pages.ORDER},
}


def main() -> None:
    """Write every page, or say which are out of date."""
    stale = {path.name for path in FOLDER.glob("*.md")} - PAGES.keys()
    for name, write in PAGES.items():
        path, wanted = FOLDER / name, write()
        if "--check" in sys.argv:
            stale |= {name} if not path.is_file() or path.read_text() != wanted else set()
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(wanted)
    if stale:
        sys.exit(f"docs/reference: {', '.join(sorted(stale))} out of date; run python scripts/reference, or delete it")


if __name__ == "__main__":
    main()
