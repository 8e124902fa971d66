"""An MLflow tracking server, or its SQLite file: what it holds of us, and what is written where it is missing.

Needs the `[mlflow]` extra. Runs are written once: one that was cut off half-way is deleted and written anew.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from tradsys.core.errors import ConfigError, MissingExtraError, SourceError
from tradsys.core.extras import absent
from tradsys.live.account.scrub import Scrubber
from tradsys.neighbours.mlflow_model import MODEL, write_model
from tradsys.neighbours.tracked_run import TrackedRun

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

DIGEST: Final = "tradsys_manifest"
"""The tag by which a run is known again: the SHA-256 of its manifest."""

_PAGE, _BATCH, _PARAMS = 1_000, 1_000, 100  # what the server takes at once
_LONGEST_TAG: Final = 8_000
_USUAL: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""Set unless the environment says otherwise: no telemetry, a server that is gone told of within seconds, and nothing
between our own lines."""

_KIND: Final = {"mlflow.experimentKind": "custom_model_development"}
"""Opens on the table of runs; MLflow's page otherwise asks what the experiment is."""

_SECRETS: Final = ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_AWS_SIGV4")


@dataclass(frozen=True)
class MlflowServer:
    """The server of a URI; every error of MLflow's is a SourceError without the secrets of URI and environment."""

    uri: str
    client: "MlflowClient"
    scrubber: Scrubber

    @classmethod
    def at(cls, uri: str) -> "MlflowServer":
        """Connect; a folder is refused, since MLflow keeps runs in databases now."""
        if absent(["mlflow"]):
            raise MissingExtraError("track needs mlflow; pip install 'tradsys[mlflow]', in an environment of its own")
        if "://" not in uri or urlsplit(uri).scheme == "file":
            raise ConfigError(
                f"MLflow takes no plain folders any more, found {uri!r}; give the address of a server, or a file as "
                "sqlite:///mlflow.db"
            )
        for name, value in _USUAL.items():
            os.environ.setdefault(name, value)
        scrubber = Scrubber(_secrets(uri))
        with _told(scrubber):
            from mlflow import MlflowClient

            return cls(uri, MlflowClient(tracking_uri=uri, registry_uri=uri), scrubber)

    @property
    def shown(self) -> str:
        """The URI without what is secret in it."""
        return self.scrubber.text(self.uri)

    def runs_in(self, experiment: str) -> dict[str, "Run"]:
        """Whole runs of an experiment by the digest of their manifests; what was cut off is deleted."""
        found: dict[str, Run] = {}
        with _told(self.scrubber):
            for run in self._all_in(experiment):
                if run.info.status == "RUNNING":
                    self.client.delete_run(run.info.run_id)
                elif digest := run.data.tags.get(DIGEST):
                    found[digest] = run
        return found

    def _all_in(self, experiment: str) -> Iterator["Run"]:
        known = self.client.get_experiment_by_name(experiment)
        token = None
        while known is not None:
            page = self.client.search_runs([known.experiment_id], max_results=_PAGE, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def write(self, run: TrackedRun, experiment: str, *, with_bundle: bool) -> "Run":
        """A run with all that is told of it; it counts as written only when everything is there."""
        from mlflow.entities import Metric, Param

        with _told(self.scrubber):
            tags = {key: value[:_LONGEST_TAG] for key, value in run.tags.items()} | {DIGEST: run.digest}
            made = self.client.create_run(self._experiment(experiment), start_time=run.created_ms, tags=tags)
            name = made.info.run_id
            for some in batched((Param(*one) for one in run.params.items()), _PARAMS):
                self.client.log_batch(name, params=list(some))
            metrics = [Metric(key, value, run.created_ms, 0) for key, value in run.metrics.items()]
            metrics += [Metric(one.name, one.value, one.at_ms, one.step) for one in run.equity]
            for points in batched(metrics, _BATCH):
                self.client.log_batch(name, metrics=list(points))
            self._name_data(name, run)
            for path in run.files:
                self.client.log_artifact(name, str(path))
            if with_bundle and run.bundle is not None:
                self._log_model(name, MODEL, run.bundle, run.tags["deployed"])
            self.client.set_terminated(name, "FINISHED", end_time=run.created_ms)
            return self.client.get_run(name)

    def retag(self, run: "Run", wanted: Mapping[str, str]) -> bool:
        """Set the tags that are not so already; whether there was any."""
        changed = {key: value for key, value in wanted.items() if run.data.tags.get(key) != value}
        with _told(self.scrubber):
            for key, value in changed.items():
                self.client.set_tag(run.info.run_id, key, value)
        return bool(changed)

    def seat(self, model: str, alias: str, run: "Run", profile: str, why: str) -> bool:
        """Let an alias of a registered model name a run's profile; whether it named another, or nobody."""
        from mlflow.exceptions import MlflowException

        with _told(self.scrubber):
            if not self.client.search_registered_models(f"name = '{model}'"):
                about = "A version a profile of a run. `champion` is whom the journal seated, `challenger` who is next."
                self.client.create_registered_model(model, description=about)
            version = self._version(model, run, profile, why)
            try:
                if str(self.client.get_model_version_by_alias(model, alias).version) == version:
                    return False
            except MlflowException:  # nobody sits there yet
                pass
            self.client.set_registered_model_alias(model, alias, version)
        return True

    def vacate(self, model: str, alias: str) -> bool:
        """Take an alias away where it is set; whether it was."""
        with _told(self.scrubber):
            found = self.client.search_registered_models(f"name = '{model}'")
            if not found or alias not in found[0].aliases:
                return False
            self.client.delete_registered_model_alias(model, alias)
        return True

    def _version(self, model: str, run: "Run", profile: str, why: str) -> str:
        """The version of a model that is this profile of this run, made where there is none."""
        for one in self.client.search_model_versions(f"name = '{model}'"):
            if one.run_id == run.info.run_id and one.tags.get("profile") == profile:
                return str(one.version)
        made = self.client.create_model_version(
            model, self._source(run, profile), run.info.run_id, tags={"profile": profile}, description=why
        )
        return str(made.version)

    def _source(self, run: "Run", profile: str) -> str:
        """Where a model that decides by this profile lies; all that the run left where it came without its bundle."""
        name, there = run.info.run_id, {one.path for one in self.client.list_artifacts(run.info.run_id)}
        wanted = MODEL if profile == run.data.tags["deployed"] else f"{MODEL}-{profile}"
        if MODEL not in there:
            return f"runs:/{name}/"
        if wanted not in there:
            with TemporaryDirectory() as scratch:
                bundle = self.client.download_artifacts(name, f"{MODEL}/bundle", scratch)
                self._log_model(name, wanted, Path(bundle), profile)
        return f"runs:/{name}/{wanted}"

    def _log_model(self, run_id: str, name: str, bundle: Path, profile: str) -> None:
        with TemporaryDirectory() as scratch:
            write_model(Path(scratch), bundle, profile, run_id=run_id, name=name)
            self.client.log_artifacts(run_id, scratch, name)

    def _experiment(self, name: str) -> str:
        known = self.client.get_experiment_by_name(name)
        if known is not None:
            return str(known.experiment_id)
        return str(self.client.create_experiment(name, artifact_location=self._artifacts(), tags=_KIND))

    def _artifacts(self) -> str | None:
        """Beside the file of a database that is one, else where the server keeps them."""
        parts = urlsplit(self.uri)
        if not parts.scheme.startswith("sqlite"):
            return None
        file = Path(unquote(parts.path.removeprefix("/"))).resolve()
        return (file.parent / f"{file.stem}-artifacts").as_uri()

    def _name_data(self, run_id: str, run: TrackedRun) -> None:
        from mlflow.entities import Dataset, DatasetInput

        data = Dataset(run.market, run.fingerprint[:36], "tradsys", run.market)
        self.client.log_inputs(run_id, [DatasetInput(data)])


def _secrets(uri: str) -> list[str]:
    parts = urlsplit(uri)
    given = [os.environ.get(name, "") for name in _SECRETS]
    password = unquote(parts.password or "")
    return [*given, password, parts.password or ""]


@contextmanager
def _told(scrubber: Scrubber) -> Iterator[None]:
    """What MLflow, its database or the network says, in a sentence without secrets."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:  # what requests raises is an OSError
        said = scrubber.text(" ".join(str(error).split()))[:400]
        raise SourceError(f"MLflow did not take what was written: {said}; see to the server, and track again") from None
