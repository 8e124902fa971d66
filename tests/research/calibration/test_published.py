"""The page and the figures that are published, against the markets that are kept."""

import json
from pathlib import Path

import pytest

from tradsys.research.calibration.monte_carlo import ResultsFile
from tradsys.research.calibration.rates import summarise
from tradsys.research.calibration.scenarios import PRESETS
from tradsys.verdict import error_rates

ROOT = Path(__file__).parents[3]
KEPT = ROOT / "measurements" / "calibration"

pytestmark = pytest.mark.usefixtures("measurements")


@pytest.mark.parametrize("preset", PRESETS)
def test_published_figures_are_those_of_the_kept_markets(preset):
    published = json.loads((Path(error_rates.__file__).parent / error_rates.FILE).read_text())[preset]
    found = json.loads(json.dumps(summarise(ResultsFile(KEPT / f"{preset}.jsonl").read())))
    assert {**found, "date": published["date"]} == published


def test_page_names_the_folder_of_the_kept_markets():
    page = (ROOT / "docs" / "calibration.md").read_text()
    assert f"--out {KEPT.relative_to(ROOT)}`" in page and KEPT.is_dir()
