"""The page in a real browser: charts are painted, nothing is logged, nothing is fetched, nothing sticks out."""

import html
import json
import re
import shutil
import subprocess
import time

import polars as pl
import pytest

from tradsys.report import render

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]

PROBE = """<script>
const seen = { errors: [] };
addEventListener("error", (event) => seen.errors.push(String(event.message)));
addEventListener("unhandledrejection", (event) => seen.errors.push(String(event.reason)));
addEventListener("securitypolicyviolation", (event) => seen.errors.push(event.violatedDirective));
for (const level of ["error", "warn"]) console[level] = (...words) => seen.errors.push(words.join(" "));
const painted = (id) => Math.max(0, ...[...document.querySelectorAll(`#${id} canvas`)].map((canvas) => {
  if (!canvas.width || !canvas.height) return 0;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
}));
addEventListener("load", () => setTimeout(() => {
  Object.assign(seen, { ...document.documentElement.dataset });
  seen.price = painted("price-chart");
  seen.equity = painted("equity-chart");
  document.querySelector('#trader [data-profile="RECKLESS"]')?.click();
  seen.trade = document.getElementById("trade-result")?.textContent;
  seen.decided = document.getElementById("decided")?.textContent;
  seen.legend = document.querySelector("#curves button")?.textContent;
  document.querySelector('#scale [data-scale="log"]')?.click();
  document.querySelector('#span [data-days="0"]')?.click();
  const links = HTMLAnchorElement.prototype;
  links.click = function () { fetch_csv(this); };
  const fetch_csv = (link) => { seen.file = link.download; };
  const { createObjectURL } = URL;
  URL.createObjectURL = (blob) => { blob.text().then((text) => { seen.csv = text; }); return createObjectURL(blob); };
  document.getElementById("trades-csv")?.click();
  document.querySelector('#trades-head [data-key="net_return"] button')?.click();
  seen.worst = document.querySelector("#trades-body tr td:nth-child(4)")?.textContent;
  setTimeout(() => {
    seen.all = painted("price-chart");
    seen.log = painted("equity-chart");
    seen.active = document.querySelector('#span [aria-pressed="true"]')?.textContent;
    const outside = (table) => table.scrollWidth - table.parentElement.clientWidth;
    seen.hidden = [...document.querySelectorAll(".folds")].map(outside);
    seen.fetched = performance.getEntriesByType("resource").map((entry) => entry.name);
    seen.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    top.document.documentElement.dataset.seen = JSON.stringify(seen);
  }, 500);
}, 1000));
</script>"""


def look(folder, *, width=1280, dark=False):
    """What the probe saw, and the seconds that the browser took from its start to its end."""
    probed = render(folder).read_text().replace("<title>", f"{PROBE}<title>", 1)
    outer = folder / "probed.html"
    # a headless window is at least 500 pixels wide; a frame may be as narrow as a phone
    outer.write_text(f'<iframe style="width:{width}px;height:900px;border:0" srcdoc="{html.escape(probed)}"></iframe>')
    began = time.perf_counter()
    done = subprocess.run(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
            *(
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--window-size=1400,1000",
            ),
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            f"--user-data-dir={folder / 'profile'}",
            *("--virtual-time-budget=6000", "--dump-dom", outer.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = re.search('data-seen="([^"]*)"', done.stdout[:2_000_000])
    assert found, "the probe never ended"
    return json.loads(html.unescape(found.group(1))), time.perf_counter() - began


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_both_charts_are_painted_and_nothing_is_logged_or_fetched(make_run, width, dark):
    seen, _ = look(make_run(3_000, ("BTCUSDT", "ETHUSDT")), width=width, dark=dark)
    assert seen["errors"] == []
    assert seen["fetched"] == []
    assert (seen["charts"], seen["candles"]) == ("drawn", "3000")
    assert min(seen["price"], seen["equity"], seen["all"], seen["log"]) > 10
    assert seen["active"] == "All"
    assert "deepest −" in seen["legend"]
    assert max(seen["hidden"]) <= 0
    assert seen["trade"].startswith("RECKLESS")
    assert seen["decided"] == " of RECKLESS: 20"
    assert seen["overflow"] <= 0


def test_the_listed_trades_are_saved_as_they_are_in_the_run(make_run):
    run = make_run(3_000, ("BTCUSDT", "ETHUSDT"))
    seen, _ = look(run)
    trades = pl.read_parquet(run / "trades.parquet")
    listed = trades.filter(profile="AUDITED").sort("entry_ts", maintain_order=True)
    saved = pl.read_csv(seen["csv"].encode())
    assert (seen["file"], len(saved)) == ("trades.csv", len(listed))
    for column in ("profile", "symbol", "reason", "entry_price", "exit_price"):
        assert saved[column].to_list() == listed[column].to_list()
    assert saved["side"].to_list() == ["long" if side > 0 else "short" for side in listed["side"]]
    assert saved["entry_ts"].str.to_datetime(time_zone="UTC").to_list() == listed["entry_ts"].to_list()
    assert saved["net_return"].to_numpy() == pytest.approx(listed["net_return"].to_numpy(), rel=1e-6)
    assert seen["worst"] == f"−{abs(listed['net_return'].min()) * 100:.2f}%"


def test_a_hundred_thousand_candles_are_drawn_within_seconds(make_run):
    seen, seconds = look(make_run(100_000))
    assert seen["errors"] == []
    assert seen["candles"] == "100000"
    assert seen["all"] > 10
    assert seconds < 15


def test_a_run_without_bars_or_trades_opens_without_an_error(make_run):
    run = make_run(400)
    for name in ("bars", "trades", "equity", "forecasts"):
        path = run / f"{name}.parquet"
        pl.read_parquet(path).clear().write_parquet(path)
    seen, _ = look(run)
    assert seen["errors"] == []
    assert (seen["charts"], seen["candles"]) == ("drawn", "0")
