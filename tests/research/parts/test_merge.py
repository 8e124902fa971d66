"""Parts are put together only where they are whole, of one question and one code, and agree."""

import itertools
from pathlib import Path

import pytest

from tradsys.core.errors import ConfigError, DataError
from tradsys.research.parts.merge import PartResult, merged
from tradsys.research.parts.part import Part
from tradsys.research.parts.stated import StatedPart, TypedCommand, stated_parts

ASKED = {"markets": 4}


def stated(k: int, keys: str, folder: str = "a", asked: object = ASKED, n: int = 2) -> StatedPart:
    typed = TypedCommand("tradsys calibrate --markets 4", "here")
    return StatedPart.of("calibration", "fast", Part(k, n), asked=asked, typed=typed, keys=keys, folder=Path(folder))


def result(key: str, content: str = "", code: str = "v1", order: bytes = b"1", where: str = "a") -> PartResult:
    return PartResult(where, code, content or key, order, (key, order))


def reader(**by_folder: dict[str, PartResult]):
    return lambda one: by_folder[one.folder.name]


def whole(*keys: str, **changes) -> dict[str, PartResult]:
    return {key: result(key, **changes) for key in keys}


def test_all_results_come_in_order_whatever_the_order_of_the_folders():
    parts = [stated(1, "db", "a"), stated(2, "ac", "b")]
    read = reader(a=whole("d", "b"), b=whole("a", "c"))
    for some in itertools.permutations(parts):
        assert list(merged(some, read)) == ["a", "b", "c", "d"]


def test_a_part_that_is_missing_or_cut_short_is_named_with_its_command():
    with pytest.raises(DataError) as error:
        merged([stated(3, "xyz", n=3), stated(1, "ab", n=3)], reader(a=whole("a", "z")))
    told = str(error.value)
    assert "part 2/3 is missing; make it with `tradsys calibrate --markets 4 --out here --part 2/3`" in told
    assert (
        "part 3/3 lacks 2 of 3 results (x, y); go on with `tradsys calibrate --markets 4 --out here --part 3/3`" in told
    )
    assert "part 1/3 lacks 1 of 2 results (b)" in told


def test_a_part_that_two_machines_made_halves_of_is_whole():
    parts = [stated(1, "ab", "a"), stated(1, "ab", "b"), stated(2, "c", "c")]
    found = merged(parts, reader(a=whole("a"), b=whole("b"), c=whole("c")))
    assert list(found) == ["a", "b", "c"]


def test_of_two_that_agree_the_same_is_kept_whatever_the_order():
    parts = [stated(1, "a", "a", n=1), stated(1, "a", "b", n=1)]
    read = reader(a=whole("a", order=b"2"), b=whole("a", order=b"1"))
    assert {merged(some, read)["a"].value for some in (parts, parts[::-1])} == {("a", b"1")}


def test_two_that_differ_are_named():
    parts = [stated(1, "a", "a", n=1), stated(1, "a", "b", n=1)]
    read = reader(a=whole("a", where="there"), b=whole("a", content="other", where="here"))
    with pytest.raises(DataError, match="a differs between there and here"):
        merged(parts, read)


def test_what_the_whole_holds_already_must_agree_and_stays():
    parts, read = [stated(1, "a", n=1)], reader(a=whole("a"))
    assert list(merged(parts, read, before=whole("a", "q"))) == ["a", "q"]
    with pytest.raises(DataError, match="a differs between old and a"):
        merged(parts, read, before=whole("a", content="other", where="old"))


@pytest.mark.parametrize("other", [stated(2, "b", "b", asked={"markets": 5}), stated(2, "b", "b", n=3)])
def test_parts_of_another_question_are_refused(other):
    with pytest.raises(ConfigError, match=r"not of one study.*--part 1/2.*--part 2/[23]"):
        merged([stated(1, "a"), other], reader(a=whole("a"), b=whole("b")))


def test_several_versions_of_the_code_are_refused_unless_they_are_wanted():
    parts = [stated(1, "a", "a"), stated(2, "b", "b")]
    read = reader(a=whole("a"), b=whole("b", code="v2", where="b"))
    with pytest.raises(DataError, match=r"by 2 versions of the code: v1 in a, v2 in b;.*--any-code"):
        merged(parts, read)
    assert list(merged(parts, read, is_any_code=True)) == ["a", "b"]
    with pytest.raises(DataError, match="2 versions"):
        merged([stated(1, "a", n=1)], reader(a=whole("a")), before=whole("q", code="v0"))


def test_what_was_asked_for_is_found_again_and_a_broken_file_is_named(tmp_path):
    typed = TypedCommand("tradsys calibrate", "a b")
    one = StatedPart.of(
        "calibration", "fast", Part(2, 3), asked=ASKED, typed=typed, keys=["y", "x"], folder=tmp_path / "deep"
    )
    one.write()
    assert stated_parts([tmp_path, tmp_path / "deep"]) == [one]
    assert one.command_of(Part(1, 3)) == "tradsys calibrate --out 'a b' --part 1/3"
    one.path.write_text("{}")
    with pytest.raises(DataError, match=r"fast\.part-2-of-3\.json does not say what .* delete it"):
        stated_parts([tmp_path])
