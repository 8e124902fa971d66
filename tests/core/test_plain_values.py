"""What is kept as plain values comes back equal to the last bit."""

import json
from dataclasses import dataclass

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.plain_values import PlainValues


@dataclass(frozen=True, slots=True)
class _Inner(PlainValues):
    levels: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class _Outer(PlainValues):
    values: FloatArray
    inner: _Inner
    n: int


def test_arrays_tuples_and_parts_read_back_from_json() -> None:
    one = _Outer(np.array([0.1, 1 / 3, 1e-300]), _Inner((("a", 0.1 + 0.2),)), 3)
    back = _Outer.from_dict(json.loads(json.dumps(one.to_dict())) | {"kind": "passed over"})
    np.testing.assert_array_equal(back.values, one.values)
    assert (back.inner, back.n) == (one.inner, 3)
    assert list(one.to_dict()) == ["values", "inner", "n"]
