import numpy as np
import pytest

from tradsys.core.errors import DataError
from tradsys.core.time import DAY_MS
from tradsys.journal.entries import Data, FailedRun, FinishedRun, FoldScore, Result, Trial
from tradsys.journal.ledger import Ledger
from tradsys.journal.trial import TrialSeries
from tradsys.research.judging.champion import (
    Contender,
    SeedRecord,
    challenge,
    contender,
    first_champion,
    is_proven_still,
    promote,
    troubles,
)
from tradsys.research.judging.rejudge import Replay
from tradsys.runs.verdict import ProfileJudgement
from tradsys.verdict.results import VerdictSpec

DAYS = np.arange(19_000, 19_600)
FOLDS = tuple((int(first), int(first) + 100) for first in DAYS[::100])
SPEC = VerdictSpec()
MARKET = np.random.default_rng(0).normal(0.0, 0.01, len(DAYS))


def contending(name, *edges, noise=0.004, trouble=()):
    """A contender with a seed an edge (mean daily return); all of them share the market's own moves."""
    records = [
        SeedRecord(
            seed=k,
            days=DAYS,
            daily=MARKET + edge + np.random.default_rng([ord(name[0]), k]).normal(0, noise, len(DAYS)),
            folds=FOLDS,
            troubles=trouble,
        )
        for k, edge in enumerate(edges)
    ]
    return Contender(name, tuple(records))


CHAMPION = contending("golden", 0.0, 0.0)


class TestChallenge:
    def test_better_beyond_noise_and_stable_takes_the_seat(self):
        contest = challenge(contending("new", 0.002, 0.002), CHAMPION, SPEC)
        assert contest.is_won
        assert contest.p < 0.01
        assert (contest.n_days, contest.n_folds_won, contest.n_folds) == (600, 6, 6)
        assert contest.why.startswith("beats golden beyond noise: +")

    def test_marginally_better_is_noise(self):
        contest = challenge(contending("new", 0.0001, 0.0001), CHAMPION, SPEC)
        assert not contest.is_won
        assert "golden stays: new does not beat it beyond noise" in contest.why

    def test_better_but_unstable_never_takes_the_seat(self):
        much = contending("new", 0.01, trouble=("seed 0, fold 3: diverged: loss or gradient no longer finite",))
        contest = challenge(much, CHAMPION, SPEC)
        assert not contest.is_won
        assert contest.why == (
            "golden stays: new is unstable (seed 0, fold 3: diverged: loss or gradient no longer finite)"
        )

    def test_a_ruined_record_never_takes_the_seat_however_much_it_earned_before(self):
        much = contending("new", 0.1)
        much.records[0].daily[-1] = -1.0
        contest = challenge(much, CHAMPION, SPEC)
        assert not contest.is_won
        assert contest.why == "golden stays: new is unstable (seed 0 was ruined on 2023-08-30)"

    def test_a_failed_seed_makes_a_challenger_unstable(self):
        much = contending("new", 0.01)
        failed = Contender(much.name, much.records, ("seed 7 could not be fitted: nan",))
        assert "seed 7 could not be fitted" in challenge(failed, CHAMPION, SPEC).why

    def test_every_seed_must_be_ahead(self):
        contest = challenge(contending("new", 0.006, -0.001), CHAMPION, SPEC)
        assert contest.p < 0.01
        assert not contest.is_won
        assert "1 of 2 seeds" in contest.why

    def test_ahead_in_a_few_folds_alone_is_not_enough(self):
        new = contending("new", 0.0)
        (record,) = new.records
        daily = record.daily + np.where(np.arange(600) < 300, 0.004, -0.0015)
        spiky = Contender("new", (SeedRecord(0, DAYS, daily, FOLDS),))
        contest = challenge(spiky, CHAMPION, VerdictSpec(alpha=0.4))
        assert contest.p <= 0.4
        assert (contest.n_folds_won, contest.is_won) == (3, False)

    def test_many_challengers_share_the_error(self):
        new = contending("new", 0.0006)
        alone = challenge(new, CHAMPION, SPEC)
        among = challenge(new, CHAMPION, SPEC, n_challengers=100)
        assert among.p == pytest.approx(min(1, 100 * alone.p))
        assert (alone.is_won, among.is_won) == (True, False)

    def test_without_enough_common_days_the_champion_stays(self):
        short = SeedRecord(0, DAYS[-200:], MARKET[-200:] + 1, FOLDS)
        contest = challenge(Contender("new", (short,)), CHAMPION, SPEC)
        assert contest.why == "golden stays: only 200 of 300 days in common with new"

    def test_an_equal_record_is_no_win(self):
        contest = challenge(Contender("twin", CHAMPION.records), CHAMPION, SPEC)
        assert (contest.is_won, contest.p) == (False, 1.0)

    def test_a_candidate_yields_to_what_is_proven_and_stable(self):
        worse = contending("new", -0.001)
        assert challenge(worse, CHAMPION, SPEC, proven_against_candidate=True).is_won
        shaky = contending("new", -0.001, trouble=("seed 0, fold 1: diverged",))
        assert not challenge(shaky, CHAMPION, SPEC, proven_against_candidate=True).is_won

    def test_under_the_null_about_one_in_twenty_wins(self):
        wins = 0
        for k in range(200):
            rng = np.random.default_rng([9, k])
            pair = [Contender(n, (SeedRecord(0, DAYS, rng.normal(0, 0.01, 600), FOLDS),)) for n in ("a", "b")]
            wins += challenge(*pair, VerdictSpec(n_bootstrap=499)).is_won
        assert wins <= 20


JUDGED = ProfileJudgement.model_construct(
    verdict="not proven", sentence="a sentence", leg="money", sharpe=0.5, n_trades=100
)


class TestEmptySeat:
    @pytest.mark.parametrize(
        ("change", "is_won"),
        [
            ({}, True),
            ({"verdict": "proven"}, True),
            ({"verdict": "refuted"}, False),
            ({"sharpe": -0.1}, False),
            ({"sharpe": None}, False),
            ({"n_trades": 59}, False),
            ({"leg": "data"}, False),
        ],
    )
    def test_goes_to_the_proven_or_to_a_candidate_that_earned(self, change, is_won):
        assert first_champion(CHAMPION, JUDGED.model_copy(update=change), SPEC).is_won == is_won

    def test_what_is_proven_until_a_date_is_a_candidate(self):
        died = JUDGED.model_copy(update={"verdict": "proven", "until": "2022-06-30"})
        assert not is_proven_still(died)
        assert first_champion(CHAMPION, died, SPEC).why.startswith(
            "first stable candidate of this market, not proven any"
        )
        assert first_champion(CHAMPION, JUDGED.model_copy(update={"verdict": "proven"}), SPEC).why.startswith(
            "first on"
        )

    def test_stays_empty_before_the_unstable(self):
        shaky = contending("new", 0.1, trouble=("seed 0, fold 1: diverged",))
        assert "is unstable" in first_champion(shaky, JUDGED.model_copy(update={"verdict": "proven"}), SPEC).why


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"gain_millinats": -4.0}, []),
        ({"gain_millinats": -51.0}, ["fold 1: its forecasts lost 51 millinats to the base rate"]),
        ({"gain_millinats": None}, ["fold 1: its forecasts have no finite score"]),
        ({"training": "diverged: no longer finite"}, ["fold 1: diverged: no longer finite"]),
    ],
)
def test_what_counts_as_unstable(change, said):
    assert troubles([{"gain_millinats": 1.0, "training": "all 400 steps done", **change}]) == said


class TestFromTheLedger:
    data = Data("BTC 1h", ("m",))

    @pytest.fixture
    def ledger(self, tmp_path):
        return Ledger(tmp_path / "ledger.jsonl")

    def enter(self, ledger, seed, *, code="c", edge=0.0, is_finished=True, rules="d"):
        run = f"run {seed} {code}"
        rest = {"data": self.data, "run": run, "experiment": "e" * 64, "seed": seed, "code": code}
        series = TrialSeries(
            key="EDGE",
            days=DAYS,
            daily=MARKET + edge,
            grid=DAYS * DAY_MS,
            position=np.zeros((1, 600)),
            opens=np.ones((1, 600)),
            symbols=("BTC",),
            n_trades=100,
        )
        ledger.append_trial(Trial(**rest, profile="EDGE", profile_digest=rules, sources=()).content(), series)
        fold = FoldScore("2022-01-08T00:00:00+00:00", "2022-02-08T00:00:00+00:00", 1.0)
        result = {"EDGE": Result("not proven", 0.2, 0.5, None, None, 100, 600)}
        said = {"title": "t", "n_trials": 4, "n_design_looks": 0, "ledger_head": "h", "results": result}
        if is_finished:
            ledger.append(FinishedRun(**rest, **said, folds=[fold]).content())
        else:
            ledger.append(FailedRun(**rest, reason="nan").content())

    def test_every_seed_takes_part_with_its_last_run(self, ledger):
        for seed, code, edge in ((0, "old", 0.5), (1, "old", 0.0), (0, "new", 0.25)):
            self.enter(ledger, seed, code=code, edge=edge)
        found = contender(ledger, self.data, "e" * 64, "EDGE")
        assert [record.seed for record in found.records] == [0, 1]
        assert found.records[0].daily[0] == pytest.approx(MARKET[0] + 0.25)
        assert found.records[0].folds == ((19_000, 19_031),)
        assert found.troubles == ()

    def test_seeds_from_before_the_profile_s_rules_changed_are_another_profile_s(self, ledger):
        for seed, rules in ((0, "before"), (1, "before"), (1, "after"), (2, "after")):
            self.enter(ledger, seed, code=rules, rules=rules)
        found = contender(ledger, self.data, "e" * 64, "EDGE")
        assert [record.seed for record in found.records] == [1, 2]

    def test_a_run_that_failed_or_did_not_finish_is_trouble_until_its_seed_has_finished(self, ledger):
        self.enter(ledger, 0, is_finished=False)
        assert contender(ledger, self.data, "e" * 64, "EDGE").troubles == (
            "seed 0 could not be fitted: nan",
            "seed 0 did not finish its run",
        )
        self.enter(ledger, 0, code="mended")
        assert contender(ledger, self.data, "e" * 64, "EDGE").troubles == ()

    def test_what_was_never_tried_is_refused(self, ledger):
        with pytest.raises(DataError, match="holds no trial of EDGE of eeeeeeee on BTC 1h; run it first"):
            contender(ledger, self.data, "e" * 64, "EDGE")


def test_promoting_writes_an_entry_only_where_the_seat_is_taken(finished, tmp_path):
    import shutil

    shutil.copytree(finished[2] / "journal", tmp_path / "journal")
    ledger = Ledger(tmp_path / "journal" / "ledger.jsonl")
    run = Replay(finished[0].folder)
    earned = max(run.verdict.profiles, key=lambda name: run.verdict.profiles[name].n_trades)
    first = promote(run, ledger, earned)
    assert (first.standing, first.entry.content["profile"]) == ("candidate", earned)
    again = promote(run, ledger, earned)
    assert (again.entry, again.why) == (None, f"{earned} of {run.manifest.experiment[:8]} is the champion already")
    other = next(name for name in run.verdict.profiles if name != earned)
    beaten = promote(run, ledger, other)
    assert beaten.entry is None
    assert "stays: only 150 of 300 days in common" in beaten.why
    assert len(ledger.entries("champion")) == 1
