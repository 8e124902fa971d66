"""What --json prints is JSON, for whoever reads it with something else than Python."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tradsys.cli.printed_json import printed_json


def strictly(text):
    """Read as other languages do: NaN and Infinity are no JSON."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -float("inf"), np.array([np.nan])], ids=str)
def test_a_number_that_is_none_is_null_however_deep(odd):
    none = [None] if isinstance(odd, np.ndarray) else None
    assert strictly(printed_json({"a": [{"b": (odd, 1.5)}], "c": odd})) == {"a": [{"b": [none, 1.5]}], "c": none}


def test_everything_else_stays_as_it_is_in_its_order():
    when = datetime(2024, 1, 2, tzinfo=UTC)
    text = printed_json({"z": np.int64(3), "a": np.array([1, 2]), "when": when, "where": Path("a/b"), "is": True})
    assert text == '{"z": 3, "a": [1, 2], "when": "2024-01-02 00:00:00+00:00", "where": "a/b", "is": true}'
    with pytest.raises(TypeError, match="set has no JSON form"):
        printed_json({1, 2})


def test_no_command_prints_json_in_another_way(repository):
    files = (repository / "src" / "tradsys" / "cli").glob("*.py")
    others = {path.name for path in files if "json.dump" in path.read_text()}
    assert others == {"printed_json.py"}
