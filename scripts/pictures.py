"""The pictures of the pages, made anew by a browser from what the commands write now: docs/report.png and docs/web.png.

    python scripts/pictures.py                    # both, some minutes
    python scripts/pictures.py report             # one of them

The report is of a run on the sample with the defaults; the bot is that of docs/paper-bot.md, three weeks into its tape.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from tradsys.data.simulate import simulate

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 1280
MARGIN = 22
"""Pixels below the last thing that a picture shows."""

SYMBOL, ACCOUNT = "BTC/USDT:USDT", "tape-2"
FIRST, LAST = "2023-11-01", "2023-11-21 17:00"
DEPLOY = f"deploy last --profile RECKLESS --venue binance --symbol {SYMBOL} --out B"
PLAY = f"trade B --account {ACCOUNT} --from {FIRST} --tape {SYMBOL}="


def report(folder: Path, browser: Any) -> bytes:
    """The report of a run on the sample, to the end of its cards."""
    called(folder, "run --bars sample")
    (page_file,) = folder.glob("runs/*/report.html")
    return taken(browser, page_file.as_uri(), "header .notes")


def web(folder: Path, browser: Any) -> bytes:
    """The page of a bot that plays a tape, to the end of its orders; a position is waited for."""
    called(folder, "run --bars simulated:edge:3 --agent logistic")
    called(folder, DEPLOY)
    until = pl.lit(LAST).str.to_datetime("%Y-%m-%d %H:%M", time_zone="UTC")
    simulate("edge:3").filter(pl.col("ts") < until).write_parquet(folder / "three-weeks.parquet")
    called(folder, f"{PLAY}three-weeks.parquet")
    with begun(folder, f"{PLAY}simulated:edge:3 --speed 600"), begun(folder, "web --port 0") as told:
        link = re.search(r"http://\S+", told())
        assert link is not None
        return taken(browser, link[0], 'section[aria-label="Positions and orders"]', then=f"/bot/{ACCOUNT}")


PICTURES: dict[str, Callable[[Path, Any], bytes]] = {"report": report, "web": web}


def taken(browser: Any, address: str, last: str, then: str = "") -> bytes:
    """What a browser shows of a page, from its top to the end of an element; `then` is a path to open next."""
    page = browser.new_context(viewport={"width": WIDTH, "height": 1_000}, reduced_motion="reduce").new_page()
    page.goto(address)
    if then:
        page.goto(re.sub(r"(?<=\d)/.*", then, address))
        page.wait_for_selector(".account table, #held table", timeout=300_000)
    else:
        page.wait_for_selector("html[data-charts=drawn]", timeout=60_000)
    box = page.locator(last).last.bounding_box()
    clip = {"x": 0, "y": 0, "width": WIDTH, "height": round(box["y"] + box["height"] + MARGIN)}
    shot: bytes = page.screenshot(clip=clip, full_page=True)
    return shot


def called(folder: Path, line: str) -> None:
    """A command, to its end."""
    subprocess.run([sys.executable, "-m", "tradsys", *line.split()], cwd=folder, check=True)


@contextmanager
def begun(folder: Path, line: str) -> Iterator[Callable[[], str]]:
    """A command that goes on while the block lasts; gives what it has said once it says anything."""
    path = folder / f"{line.split()[0]}.txt"
    with path.open("w") as out:
        process = subprocess.Popen([sys.executable, "-m", "tradsys", *line.split()], cwd=folder, stdout=out, stderr=out)
    try:
        while not path.read_text() and process.poll() is None:
            time.sleep(0.1)
        yield path.read_text
    finally:
        process.terminate()
        process.wait()


def main(wanted: list[str]) -> None:
    """Make those that are wanted, else all."""
    from playwright.sync_api import sync_playwright

    if unknown := set(wanted) - PICTURES.keys():
        sys.exit(f"wanted pictures among {', '.join(PICTURES)}; found {', '.join(sorted(unknown))}")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("wanted a browser, found none of chromium, chromium-browser and google-chrome; install one")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT / "src"), os.environ.get("PYTHONPATH"))))
    with sync_playwright() as drivers:
        browser = drivers.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-quic"])
        for name in wanted or PICTURES:
            with tempfile.TemporaryDirectory() as place:
                (ROOT / "docs" / f"{name}.png").write_bytes(PICTURES[name](Path(place), browser))
                print(f"docs/{name}.png")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
