"""A tape as the arrays that the kernel reads: operations in order, weights in a row, rings to look back on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.features.stream import kernel
from tradsys.features.stream.series import CONSTANT, INPUT, INPUTS, PART, Node, Series, Tape

_LOOKS_BACK = {kernel.WINDOW, kernel.LAG, kernel.FILTER}


@dataclass(frozen=True, slots=True)
class Program:
    """Code, numbers, and the values and rings that `step` moves on by a bar."""

    code: IntArray
    numbers: FloatArray
    values: FloatArray
    rings: FloatArray

    @classmethod
    def of(cls, tape: Tape, outputs: Sequence[Series]) -> "Program":
        """What computes the outputs: nodes that no output needs are left out."""
        nodes = list(tape.nodes)
        needed = _needed(nodes, [x.node for x in outputs])
        looked_back_on = sorted({read for i in needed if nodes[i].op in _LOOKS_BACK for read in nodes[i].reads})
        rings = {node: at for at, node in enumerate(looked_back_on)}
        capacity = max((_reach(nodes[i]) for i in needed), default=1)
        code, numbers, values = [], list[float](), np.zeros(len(nodes))
        for i in needed:
            node = nodes[i]
            if node.op == CONSTANT:
                values[i] = node.numbers[0]
            if node.op >= 0 or i in rings:
                op = max(node.op, kernel.KEEP)
                code.append((op, i, rings.get(i, -1), *_operands(node, rings, numbers)))
        return cls(
            np.array(code, dtype=np.int64).reshape(-1, 6),
            np.array(numbers),
            values,
            np.zeros((max(1, len(rings)), 2 * capacity)),
        )

    def step(self, bar: Sequence[float], n_seen: int) -> None:
        """Move on by a bar (the fields of `INPUTS`), of which there were `n_seen` before."""
        self.values[: len(INPUTS)] = bar
        kernel.run(self.code, self.numbers, self.values, self.rings, n_seen)


def _needed(nodes: list[Node], outputs: list[int]) -> list[int]:
    needed, waiting = set[int](), list(outputs)
    while waiting:
        i = waiting.pop()
        if i not in needed:
            needed.add(i)
            waiting.extend(nodes[i].reads)
    return sorted(needed)


def _reach(node: Node) -> int:
    """Rows of its ring that a node reads."""
    match node.op:
        case kernel.WINDOW:
            return len(node.numbers)
        case kernel.LAG:
            return int(node.numbers[0]) + 1
        case kernel.FILTER:
            return int(node.numbers[0])
    return 1


def _operands(node: Node, rings: dict[int, int], numbers: list[float]) -> tuple[int, int, int]:
    at = len(numbers)
    match node.op:
        case kernel.LAG:
            return rings[node.reads[0]], int(node.numbers[0]), 0
        case kernel.WINDOW:
            numbers.extend(node.numbers)
            return rings[node.reads[0]], at, len(node.numbers)
        case kernel.TABLE:
            numbers.extend(node.numbers)
            return node.reads[0], at, 0
        case kernel.FILTER:
            window, *model = node.numbers
            numbers.extend((window, len(node.reads), *(rings[read] for read in node.reads), *model))
            return 0, at, len(numbers) - at
        case op if op in (INPUT, CONSTANT, PART):
            return 0, 0, 0
    a, b, c = (*node.reads, 0, 0, 0)[:3]
    return a, b, c
