"""A calibration in parts: each tries its share of the markets into a file of its own, and the files are merged."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from tradsys.core.errors import ConfigError
from tradsys.core.json_text import canonical_json
from tradsys.research.calibration.monte_carlo import ResultsFile, line_key, planned_replications
from tradsys.research.calibration.rates import Line
from tradsys.research.calibration.replication import Replication
from tradsys.research.calibration.scenarios import SCENARIOS, Preset, scenario_named
from tradsys.research.parts.merge import PartResult, merged
from tradsys.research.parts.part import Part
from tradsys.research.parts.stated import StatedPart, TypedCommand

KIND = "calibration"

_CLOCK = "cpu_s"
"""What a line says of time: the same market takes another one on every machine."""


@dataclass(frozen=True, slots=True)
class CalibrationPlan:
    """What `tradsys calibrate` is asked for: `cells` names the kinds of markets, none for all of them."""

    preset: Preset
    n_markets: int
    cells: tuple[str, ...] = ()
    rivals_every: int = 1

    @property
    def replications(self) -> list[Replication]:
        """Every market of the whole."""
        scenarios = [scenario_named(name) for name in self.cells] if self.cells else SCENARIOS
        return planned_replications(self.preset, scenarios, self.n_markets, competitors_every=self.rivals_every)

    def of_part(self, part: Part) -> list[Replication]:
        """Those that are a part's, the same share of every kind."""
        return part.share_of(self.replications, row=lambda one: one.scenario, name=lambda one: _name(one.to_dict()))

    def state(self, part: Part, typed: TypedCommand) -> None:
        """Write what the part is asked for into its folder, unless its markets were tried among other trials."""
        folder = Path(typed.out)
        _check_rivals(self.of_part(part), part_file(folder, self.preset, part))
        asked = [one.to_dict() for one in self.replications]
        keys = [_name(one.to_dict()) for one in self.of_part(part)]
        StatedPart.of(KIND, self.preset, part, asked=asked, typed=typed, keys=keys, folder=folder).write()


def whole_file(folder: Path, preset: str) -> ResultsFile:
    """Where all markets of a preset lie."""
    return ResultsFile(folder / f"{preset}.jsonl")


def part_file(folder: Path, preset: str, part: Part) -> ResultsFile:
    """Where those of a part lie, beside what it was asked for."""
    return ResultsFile(folder / f"{preset}.{part.label}.jsonl")


def merge_calibration(stated: Sequence[StatedPart], out: Path, *, is_any_code: bool = False) -> Path:
    """The whole of these parts of one preset below `out`, in order, together with what lies there already."""
    whole = whole_file(out, stated[0].study)
    found = merged(
        stated,
        lambda one: _results(part_file(one.folder, one.study, one.part), set(one.keys)),
        before=_results(whole),
        is_any_code=is_any_code,
    )
    whole.write(sorted((one.value for one in found.values()), key=line_key))
    return whole.path


def _results(file: ResultsFile, keys: Set[str] | None = None) -> dict[str, PartResult]:
    lines = {_name(line): line for line in file.read()}
    return {name: _result(file.path, line) for name, line in lines.items() if keys is None or name in keys}


def _result(path: Path, line: Line) -> PartResult:
    timeless = {name: value for name, value in line.items() if name not in (_CLOCK, "code")}
    text = canonical_json(line)
    return PartResult(str(path), str(line.get("code")), canonical_json(timeless), text.encode(), line)


def _check_rivals(wanted: Sequence[Replication], results: ResultsFile) -> None:
    """A market that was tried is not tried again, so that it must have been what is asked for now."""
    asked = {_name(one.to_dict()): one.has_competitors for one in wanted}
    other = [
        name
        for name, line in ((_name(line), line) for line in results.read())
        if asked.get(name, _with(line)) != _with(line)
    ]
    if other:
        raise ConfigError(
            f"{results.path} holds {len(other):,} markets, such as {min(other)}, that were tried with another "
            "--rivals-every; take that again, or another folder (--out)"
        )


def _with(line: Line) -> bool:
    return bool(line.get("with_rivals"))


def _name(line: Line) -> str:
    return f"{line['cell']} {line['seed']}"
