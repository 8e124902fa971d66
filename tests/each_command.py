"""A program: command lines as JSON on standard input, one after another, and what came of each as JSON on the output.

A line that begins with `decide` names a bundle and a file of bars; the rest is what a person types after `tradsys`.
"""

import io
import json
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout


def decide(bundle: str, bars: str) -> int:
    """Load a bundle and decide on bars, as a bot does."""
    import polars as pl

    from tradsys.predictor import Predictor

    print(Predictor.load(bundle).decide(pl.read_parquet(bars)).probability)  # noqa: T201
    return 0


def answer(args: list[str]) -> dict[str, object]:
    """Exit code, both streams, and the traceback of what no one caught."""
    from tradsys.cli.app import main

    out, err, escaped = io.StringIO(), io.StringIO(), ""
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = decide(*args[1:]) if args[0] == "decide" else main(args)
        except BaseException:  # noqa: BLE001  # this is what the test looks for
            code, escaped = -1, traceback.format_exc()
    return {"code": code, "out": out.getvalue(), "err": err.getvalue(), "traceback": escaped}


if __name__ == "__main__":
    json.dump([answer(args) for args in json.load(sys.stdin)], sys.stdout)
