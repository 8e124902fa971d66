"""A site with something on every page: what the browser's battery looks at. A part of it is a function in PARTS."""

import json
from pathlib import Path

from tests.report.conftest import write_run
from tests.web.accounts import write_account
from tests.web.test_data import stored
from tests.web.test_tuning import DATA, GOLDEN, study

from tradsys.journal.entries import Hypothesis
from tradsys.web.site import Site

FOLDERS = ("runs", "journal", "live", "calibration")


def filled(root: Path) -> Site:
    """The site below `root`, written by all of the parts."""
    site = Site(**{name: root / name for name in FOLDERS}, store=str(root / "data"))
    for fill in PARTS:
        fill(site)
    return site


def runs(site: Site) -> None:
    """Runs, one of two symbols and one of many bars, and a folder that was left half written."""
    write_run(site.runs / "20250101-000000-long", 100_000)
    write_run(site.runs / "20260101-000000-btc", 3_000)
    write_run(site.runs / "20260102-000000-pooled", 2_000, ("BTCUSDT", "ETHUSDT"))
    broken = site.runs / "20260103-000000-broken"
    broken.mkdir(parents=True)
    (broken / "manifest.json").write_text('{"run": ')


def tuned(site: Site) -> None:
    """A study with a pruned trial and a golden configuration, and a hypothesis that nobody has looked at."""
    ledger, folder = study(site, objectives=(0.1, None, 0.4, 0.3))
    folder.mkdir(parents=True)
    (folder / "golden.json").write_text(json.dumps(GOLDEN))
    ledger.append(Hypothesis(data=DATA, text="The <b>sign</b> goes on", expect="net Sharpe above 1").content())


def traded(site: Site) -> None:
    """An account that was traded on paper, one with money that is not proven, and a folder that is none."""
    write_account(site.live)
    write_account(site.live, "main", money="live", unproven="not proven: luck alone looks this good")
    (site.live / "notes").mkdir()


def kept(site: Site) -> None:
    """A series with a gap and a refused row, and one whose manifest is broken."""
    stored(site.store)
    stored(site.store, name="bybit:ETH/USDT:1h")
    for manifest in Path(site.store, "exchange=bybit").rglob("manifest.json"):
        manifest.write_text("{")


PARTS = (runs, tuned, traded, kept)
