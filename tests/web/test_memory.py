"""What the server keeps out of its memory: it serves for weeks beside bots and runs."""

import subprocess
import sys

HEAVY = ("numba", "scipy", "xgboost", "torch", "onnxruntime", "pandas")


def test_serving_pages_loads_no_compiler_and_no_models():
    loaded = "import sys, tradsys.web.app, tradsys.live.account.looked"
    code = f"{loaded}; print([name for name in {HEAVY} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
