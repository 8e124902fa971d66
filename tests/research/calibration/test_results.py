"""A stopped calibration loses at most the market that was being written."""

import pytest

from tradsys.core.errors import DataError
from tradsys.research.calibration.monte_carlo import ResultsFile


def line(seed: int) -> dict:
    return {"preset": "fast", "cell": "noise", "seed": seed, "profiles": {}}


@pytest.fixture
def results(tmp_path):
    return ResultsFile(tmp_path / "deep" / "fast.jsonl")


def test_what_was_appended_is_read(results):
    assert results.read() == []
    results.append(line(1))
    results.append(line(2))
    assert results.read() == [line(1), line(2)]


def test_a_line_that_was_cut_off_is_no_result_and_is_replaced(results):
    results.append(line(1))
    with results.path.open("ab") as file:
        file.write(b'{"preset": "fast", "ce')
    assert results.read() == [line(1)]
    results.append(line(2))
    assert results.read() == [line(1), line(2)]


def test_a_strange_line_is_named(results):
    results.append(line(1))
    results.append({"preset": "fast"})
    with pytest.raises(DataError, match=r"line 2 of .*fast\.jsonl is no result"):
        results.read()
