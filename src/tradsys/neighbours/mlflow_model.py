"""A bundle as a model of MLflow's: `mlflow.pyfunc.load_model` gives decisions a bar, and no pickle is involved.

MLflow imports this file by the name that is written into the model (`loader_module`).
"""

import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import tradsys
from tradsys.core.json_text import pretty_json
from tradsys.predictor.predictor import Predictor

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]  # ships no types; comes with mlflow

MODEL: Final = "model"
"""Folder of a run's artefacts that is the model of the profile that it deploys."""


def write_model(folder: Path, bundle: Path, profile: str, *, run_id: str, name: str) -> None:
    """The bundle and, beside it, what MLflow reads of a model; `profile` decides unless the loader names another."""
    shutil.copytree(bundle, folder / "bundle")
    loaded_by = {
        "python_version": platform.python_version(),
        "loader_module": __name__,
        "data": "bundle",
        "config": {"profile": profile},
        "env": {"virtualenv": "python_env.yaml"},
    }
    about = {"artifact_path": name, "run_id": run_id, "flavors": {"python_function": loaded_by}}
    needs = {"python": "3.12", "dependencies": ["-r requirements.txt"]}
    (folder / "MLmodel").write_text(pretty_json(about))  # YAML takes JSON as it is
    (folder / "python_env.yaml").write_text(pretty_json(needs))
    (folder / "requirements.txt").write_text(f"tradsys[mlflow]=={tradsys.__version__}\n")


@dataclass(frozen=True, slots=True)
class BundleModel:
    """What `mlflow.pyfunc` calls: bars in, a row a closed bar out."""

    predictor: Predictor

    def predict(self, model_input: "pd.DataFrame", params: Mapping[str, Any] | None = None) -> "pd.DataFrame":
        """The decisions of `Predictor.decide_many` on bars of pandas."""
        return self.predictor.decide_many(model_input).to_pandas()


def _load_pyfunc(path: str, model_config: Mapping[str, Any] | None = None) -> BundleModel:
    return BundleModel(Predictor.load(path, (model_config or {}).get("profile")))
