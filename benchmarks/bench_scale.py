"""What a thousand symbols of minute bars cost on one, ten and a hundred machines, from rates that were measured.

python benchmarks/bench_scale.py                      the tables of docs/scale.md
python benchmarks/bench_scale.py --cores 64 --memory 256 --price 0.05    other machines, with what a core hour costs
python benchmarks/bench_scale.py measure              the rates of this machine, one core (minutes)
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from math import ceil, floor
from pathlib import Path

HOUR_S, GB = 3_600.0, 1e9


@dataclass(frozen=True, slots=True)
class Rate:
    """Something that was measured: how much, of what, and where that is written or which command shows it."""

    value: float
    unit: str
    what: str
    source: str


@dataclass(frozen=True, slots=True)
class Rates:
    """What a bar costs; times are processor seconds of one core, "a row" is a bar that a fold trains on."""

    read: Rate = Rate(0.08, "us a bar", "reading bars from the store", "`benchmarks/bench_store.py`")
    label: Rate = Rate(0.8, "us a bar", "labels of both sides, costs, uniqueness", "`bench_scale.py measure`")
    fold: Rate = Rate(
        110.0, "us a row", "a fold: features, regimes, models, auditor, decisions", "`bench_scale.py measure`"
    )
    path: Rate = Rate(
        110.0, "us a row", "a split of the paths, the same and folds inside it", "`bench_scale.py measure`"
    )
    start: Rate = Rate(10.0, "s a run", "imports, compiled kernels loaded, report", "`cli/expected.py`")
    memory: Rate = Rate(3_500, "bytes a bar", "memory of a run", "`cli/loading.py`")
    base: Rate = Rate(650e6, "bytes a run", "memory of a run of no bars", "`cli/loading.py`")
    stored: Rate = Rate(27, "bytes a bar", "the store (71 MB for 2.63 M bars)", "[benchmarks.md](benchmarks.md)")
    written: Rate = Rate(250, "bytes a bar", "a run's folder", "`research/run.py`")
    market: Rate = Rate(0.024, "s a pair", "whether two histories are one market", "[benchmarks.md](benchmarks.md)")


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done: each symbol a run of its own, retrained every week of the tested part, with split paths."""

    n_symbols: int = 1_000
    bars_a_year: int = 525_600
    years: float = 5.0
    initial: float = 0.2
    lockbox: float = 0.2
    n_splits: int = 15
    split_trains_on: float = 4 / 6

    @property
    def n_bars(self) -> int:
        """Of one symbol."""
        return round(self.bars_a_year * self.years)

    @property
    def n_folds(self) -> int:
        """Weeks between the first part, which only trains, and the lock-box."""
        return round(self.years * (1 - self.initial - self.lockbox) * 365 / 7)

    @property
    def rows_walked(self) -> float:
        """Rows that all folds of a symbol train on together: each trains on all that came before it."""
        first, last = self.initial, 1 - self.lockbox
        return self.n_folds * self.n_bars * (first + last) / 2

    @property
    def rows_split(self) -> float:
        """The same of the splits of the paths."""
        return self.n_splits * self.split_trains_on * (1 - self.lockbox) * self.n_bars


@dataclass(frozen=True, slots=True)
class Machine:
    """One of the machines, all alike, and the line of the one place that holds all bars and takes all results."""

    cores: int = 16
    memory_gb: float = 64.0
    network_gbit: float = 1.0
    source_gbit: float = 10.0


@dataclass(frozen=True, slots=True)
class Symbol:
    """What the run of one symbol takes: core hours by step, memory and disk."""

    read: float
    label: float
    walk: float
    paths: float
    start: float
    weekly: float
    memory_gb: float
    stored_gb: float
    written_gb: float

    @classmethod
    def of(cls, job: Job, rates: Rates) -> "Symbol":
        """By the rates; `weekly` is one more fit on all there is, as a bot needs it every week."""
        micro = 1e-6 / HOUR_S
        return cls(
            read=job.n_bars * rates.read.value * micro,
            label=job.n_bars * rates.label.value * micro,
            walk=job.rows_walked * rates.fold.value * micro,
            paths=job.rows_split * rates.path.value * micro,
            start=rates.start.value / HOUR_S,
            weekly=(job.n_bars * (rates.fold.value + rates.label.value + rates.read.value)) * micro
            + rates.start.value / HOUR_S,
            memory_gb=(rates.base.value + job.n_bars * rates.memory.value) / GB,
            stored_gb=job.n_bars * rates.stored.value / GB,
            written_gb=job.n_bars * rates.written.value / GB,
        )

    @property
    def hours(self) -> float:
        """Core hours of the research on it."""
        return self.read + self.label + self.walk + self.paths + self.start


@dataclass(frozen=True, slots=True)
class Fleet:
    """Hours by the clock that each resource of so many machines is busy with the job; the longest is the bottleneck."""

    n_machines: int
    at_once: int
    cores: float
    memory: float
    bars: float
    results: float
    ledger: float
    weekly: float

    @classmethod
    def of(cls, n_machines: int, job: Job, machine: Machine, rates: Rates) -> "Fleet":
        """One process a run; symbols are dealt out evenly, so that the last round may be short of work."""
        one = Symbol.of(job, rates)
        at_once = max(1, min(machine.cores, floor(machine.memory_gb / one.memory_gb)))
        share = ceil(job.n_symbols / n_machines)

        def sent(gigabytes: float) -> float:
            line = min(n_machines * machine.network_gbit, machine.source_gbit)
            return job.n_symbols * gigabytes * 8 / line / HOUR_S

        return cls(
            n_machines=n_machines,
            at_once=at_once,
            cores=ceil(share / machine.cores) * one.hours,
            memory=ceil(share / at_once) * one.hours,
            bars=sent(one.stored_gb),
            results=sent(one.written_gb),
            ledger=share * (share - 1) / 2 * rates.market.value / HOUR_S,
            weekly=ceil(share / at_once) * one.weekly,
        )

    @property
    def hours(self) -> float:
        """By the clock: bars go out, are worked on, and results come back; the ledger's comparisons are one by one."""
        return self.bars + self.memory + self.results + self.ledger

    @property
    def bottleneck(self) -> str:
        """What more of would help most."""
        if self.memory > max(self.bars + self.results, self.ledger):
            return "memory" if self.memory > self.cores else "cores"
        return "network" if self.bars + self.results > self.ledger else "the ledger"


def rates_table(rates: Rates) -> Iterator[str]:
    """A line a rate."""
    yield from ("| rate | | of | from |", "| --- | --- | --- | --- |")
    for name in Rates.__dataclass_fields__:
        rate: Rate = getattr(rates, name)
        yield f"| {name} | {rate.value:,g} {rate.unit} | {rate.what} | {rate.source} |"


def symbol_table(jobs: dict[str, Job], machine: Machine, rates: Rates) -> Iterator[str]:
    """A column a job, of one symbol; and how many symbols the machine's memory holds in one pooled fit."""
    room = machine.memory_gb * GB - rates.base.value
    ones = {name: Symbol.of(job, rates) for name, job in jobs.items()}
    yield "| one symbol | " + " | ".join(ones) + " |"
    yield "| --- |" + " --- |" * len(ones)
    lines = {
        "bars": [f"{job.n_bars:,}" for job in jobs.values()],
        "folds, a week each": [f"{job.n_folds:,}" for job in jobs.values()],
        "core hours: walk forward": [_hours(one.walk) for one in ones.values()],
        "core hours: paths (CPCV)": [_hours(one.paths) for one in ones.values()],
        "core hours: reading, labels, start": [_hours(one.read + one.label + one.start) for one in ones.values()],
        "core hours in all": [_hours(one.hours) for one in ones.values()],
        "core hours to fit it again each week": [_hours(one.weekly) for one in ones.values()],
        "memory, GB": [f"{one.memory_gb:,.1f}" for one in ones.values()],
        "bars on disk, GB; the run's folder": [f"{x.stored_gb:.3f}; {x.written_gb:.2f}" for x in ones.values()],
    }
    pooled = [f"{floor(room / (job.n_bars * rates.memory.value)):,}" for job in jobs.values()]
    lines[f"symbols that {machine.memory_gb:g} GB hold in one pooled fit"] = pooled
    for name, values in lines.items():
        yield f"| {name} | " + " | ".join(values) + " |"


def fleet_table(job: Job, machine: Machine, rates: Rates, price: float | None = None) -> Iterator[str]:
    """A line a number of machines: hours by the clock, what they consist of, and where the bottleneck is."""
    cost = ("core hours paid", *(("cost",) if price is not None else ()))
    columns = ("machines", "runs at once", "bars out", "work", "of which cores alone", "results back", "ledger")
    heads = (*columns, "hours in all", "bottleneck", "hours a week to fit all again", *cost)
    yield "| " + " | ".join(heads) + " |"
    yield "|" + " --- |" * len(heads)
    for n in (1, 10, 100):
        fleet = Fleet.of(n, job, machine, rates)
        paid = n * machine.cores * fleet.hours
        times = (fleet.bars, fleet.memory, fleet.cores, fleet.results, fleet.ledger, fleet.hours)
        values = [f"{n}", f"{n * fleet.at_once:,}", *map(_hours, times), fleet.bottleneck, _hours(fleet.weekly)]
        values += [f"{paid:,.0f}", *([f"{paid * price:,.0f}"] if price is not None else [])]
        yield "| " + " | ".join(values) + " |"


def _hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 100 else f"{hours:.3g}"


MINUTES, HOURS = Job(), Job(bars_a_year=8_760)


def report(machine: Machine = Machine(), price: float | None = None) -> str:
    """All tables, in Markdown, as docs/scale.md has them."""
    rates = Rates()
    fitted = f"{machine.cores} cores, {machine.memory_gb:g} GB, {machine.network_gbit:g} Gbit/s"
    whole = (
        f"{MINUTES.n_symbols:,} symbols, five years, on machines of {fitted}; the source has {machine.source_gbit:g}"
    )
    parts = [
        "\n".join(rates_table(rates)),
        "\n".join(symbol_table({"minutes": MINUTES, "hours": HOURS}, machine, rates)),
        f"Minute bars of {whole}; hours by the clock:",
        "\n".join(fleet_table(MINUTES, machine, rates, price)),
        "The same of hourly bars:",
        "\n".join(fleet_table(HOURS, machine, rates, price)),
    ]
    return "\n\n".join(parts) + "\n"


def measure(n_bars: int = 150_000) -> None:
    """The rates of this machine on one core, on a simulated market of minute bars without an edge."""
    from tradsys.machine.limits import cap_threads

    cap_threads(1)
    from tradsys.data.market import load_market
    from tradsys.data.simulate import simulate
    from tradsys.research.selection.combinatorial_paths import combinatorial_folds, decide_split
    from tradsys.research.walk.deciding import decide_fold
    from tradsys.research.walk.enough_history import enough_folds
    from tradsys.research.walk.experiment import research_fold
    from tradsys.research.walk.experiment_spec import experiment_on
    from tradsys.research.walk.fitting import fit_models
    from tradsys.research.walk.folds import walk_forward
    from tradsys.research.walk.lockbox import development_data
    from tradsys.research.walk.record import Record
    from tradsys.settings.config import RunConfig

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "NOISE-1m.parquet"
        simulate("noise", seed=1, n_bars=n_bars, interval=timedelta(minutes=1)).write_parquet(path)
        market = load_market([path])
    spec = experiment_on(market, RunConfig.load(overrides={"agent.name": "logistic"}))
    development_data(replace(market, bars=market.bars.head(50_000)), spec)  # compiles
    began = time.process_time()
    data = development_data(market, spec)
    labelled = time.process_time()
    print(f"label {1e6 * (labelled - began) / n_bars:.2f} us a bar")
    folds = enough_folds(data, spec, walk_forward)
    record = Record(tuple(map(len, data.frames.values())))
    research_fold(data, spec, folds[0], record, folds[0].opens)
    for fold in folds[1:]:
        n_rows = sum(int(mask.sum()) for mask in fold.train)
        began = time.process_time()
        models = fit_models(data, spec, fold)
        fitted = time.process_time()
        decide_fold(data, spec, models, record, folds[0].opens)
        decided = time.process_time()
        each = [1e6 * took / n_rows for took in (fitted - began, decided - fitted)]
        print(f"fold {sum(each):.1f} us a row (fitting {each[0]:.1f}, deciding {each[1]:.1f}), n = {n_rows:,}")
    _, _, splits = combinatorial_folds(data, spec)
    for split in splits[:2]:
        n_rows = sum(int(mask.sum()) for mask in split.train)
        began = time.process_time()
        decide_split(data, spec, split)
        print(f"path {1e6 * (time.process_time() - began) / n_rows:.1f} us a row, n = {n_rows:,}")


def main() -> None:
    """Print the tables, or measure."""
    if sys.argv[1:2] == ["measure"]:
        measure(*map(int, sys.argv[2:]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, kind, default in (("cores", int, 16), ("memory", float, 64.0), ("network", float, 1.0)):
        parser.add_argument(f"--{name}", type=kind, default=default)
    parser.add_argument("--source", type=float, default=10.0, help="Gbit/s of the place that holds the bars")
    parser.add_argument("--price", type=float, help="what a core hour costs, in any currency")
    given = parser.parse_args()
    print(report(Machine(given.cores, given.memory, given.network, given.source), given.price), end="")


if __name__ == "__main__":
    main()
