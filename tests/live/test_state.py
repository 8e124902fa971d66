"""The standing of an account: what outranks what, and what a restart finds."""

import pytest

from tradsys.live.state import PERSON, Standing, TradingState, read_standing, write_standing

ACTIVE, REDUCING, HALTED = TradingState


class Kept(dict):
    def flag(self, name):
        return self.get(name)

    def set_flag(self, name, value):
        self[name] = value


def test_a_new_account_is_active():
    assert read_standing(Kept()).state is ACTIVE


@pytest.mark.parametrize("until_ms", [None, 86_400_000])
def test_what_was_written_is_read_back(until_ms):
    flags = Kept()
    standing = Standing(REDUCING, "daily_loss", "lost 6%", 5, until_ms)
    write_standing(flags, standing)
    assert read_standing(flags) == standing


@pytest.mark.parametrize("text", ["", "{", "{}", '{"state": "asleep"}', "[]", '{"state": "active"}'])
def test_a_state_that_cannot_be_read_is_halted(text):
    standing = read_standing(Kept(state=text))
    assert (standing.state, standing.cause) == (HALTED, "unreadable")
    assert "look at the account, then resume" in standing.reason


def standing(state, cause="errors", until_ms=None):
    return Standing(state, cause, "", 0, until_ms)


def test_the_harder_state_stands():
    assert standing(HALTED).outranks(standing(REDUCING, PERSON))
    assert standing(REDUCING).outranks(standing(ACTIVE, PERSON))
    assert not standing(REDUCING, PERSON).outranks(standing(HALTED))


def test_among_equals_a_persons_word_and_the_later_end_stand():
    assert standing(REDUCING, PERSON).outranks(standing(REDUCING))
    assert not standing(REDUCING).outranks(standing(REDUCING, PERSON))
    assert standing(REDUCING).outranks(standing(REDUCING, until_ms=9))
    assert standing(REDUCING, until_ms=9).outranks(standing(REDUCING, until_ms=8))
    assert not standing(REDUCING).outranks(standing(REDUCING))
