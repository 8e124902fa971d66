"""Arrays as base64 text for the page."""

import base64

import numpy as np

from tradsys.report.charts import pack, pack_times


def unpack(packed):
    kinds = {"Float32Array": "<f4", "Int32Array": "<i4", "Int8Array": "i1"}
    return np.frombuffer(base64.b64decode(packed["base64"]), kinds[packed["type"]])


def test_prices_come_back_to_seven_digits():
    prices = np.array([68_123.45, 0.000012345, 1.0])
    assert np.allclose(unpack(pack(prices)), prices, rtol=6e-8)


def test_times_with_gaps_come_back_exactly():
    ms = 1_600_000_000_000 + 900_000 * np.array([0, 1, 2, 7, 100_000])
    packed = pack_times(ms)
    assert packed["step_s"] == 900
    assert np.array_equal(packed["first_s"] + unpack(packed["steps"]) * packed["step_s"], ms / 1000)


def test_no_time_and_one_time_are_packed_too():
    assert len(unpack(pack_times(np.array([], np.int64))["steps"])) == 0
    assert pack_times(np.array([5_000]))["first_s"] == 5
