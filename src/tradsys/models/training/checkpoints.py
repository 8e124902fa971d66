"""Checkpoints of a training: safetensors files that appear whole or not at all, written with numpy alone."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tradsys.core.errors import FitError
from tradsys.core.json_text import read_json

type Arrays = Mapping[str, npt.NDArray[Any]]

_NAMES = {"float32": "F32", "int64": "I64", "bool": "BOOL"}
_DTYPES = {name: np.dtype(dtype) for dtype, name in _NAMES.items()}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a training keeps its state, and how often: at the first check after `every_s` seconds, and at its end.

    A file belongs to one training, named by its `of`; found for another it is refused, never used.
    """

    path: Path
    every_s: float = 60.0
    clock: Callable[[], float] = time.monotonic

    def save(self, arrays: Arrays, *, of: str) -> None:
        """Replace the file by this state in one move."""
        write_safetensors(self.path, arrays, {"of": of})

    def load(self, *, of: str) -> dict[str, npt.NDArray[Any]] | None:
        """The state that was saved for this training, or None where there is no file."""
        if not self.path.exists():
            return None
        arrays, about = read_safetensors(self.path)
        if about.get("of") != of:
            raise FitError(
                f"{self.path} is the checkpoint of another training (data, networks, recipes, seeds or torch differ); "
                "delete it, or choose another folder"
            )
        return arrays


def write_safetensors(path: Path, arrays: Arrays, about: Mapping[str, str]) -> None:
    """Write named arrays and a text of each name in `about`; a reader sees the old file or the new one.

    The format is that of https://github.com/huggingface/safetensors: the length of a JSON header, the header, the
    bytes. Its library is not needed to train on a machine that has torch and numpy alone.
    """
    content = [np.ascontiguousarray(array) for array in arrays.values()]
    data = b"".join(array.tobytes() for array in content)
    header: dict[str, Any] = {"__metadata__": {**about, "sha256": hashlib.sha256(data).hexdigest()}}
    at = 0
    for name, array in zip(arrays, content, strict=True):
        header[name] = {
            "dtype": _NAMES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [at, at := at + array.nbytes],
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.part")
    with staged.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + data)
        file.flush()
        os.fsync(file.fileno())
    staged.replace(path)


def read_safetensors(path: Path) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str]]:
    """The arrays and texts that `write_safetensors` wrote, after every byte has been checked."""
    content = path.read_bytes()
    try:
        start = 8 + int.from_bytes(content[:8], "little")
        header = read_json(content[8:start])
        about = header.pop("__metadata__")
        is_whole = hashlib.sha256(content[start:]).hexdigest() == about.pop("sha256")
    except (ValueError, KeyError, AttributeError):
        is_whole = False
    if not is_whole:
        raise FitError(f"{path} is not the checkpoint that was written; delete it to train from the start")
    arrays = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        flat = np.frombuffer(content[start + first : start + last], _DTYPES[entry["dtype"]])
        arrays[name] = flat.reshape(entry["shape"]).copy()
    return arrays, about
