"""What may wait is told after the orders have left, and everything in the order in which it happened."""

from tradsys.live.telling import LateTelling


def test_what_may_wait_comes_with_the_next_thing_that_may_not_and_before_it():
    told = []
    late = LateTelling(lambda kind, fields: told.append(kind))
    late.tell("bar", {})
    late.tell("decision", {})
    assert told == []
    late.tell("order_sent", {})
    assert told == ["bar", "decision", "order_sent"]


def test_where_nothing_else_happens_it_is_caught_up_with_once():
    told = []
    late = LateTelling(lambda kind, fields: told.append(kind))
    late.tell("bar", {})
    late.catch_up()
    late.catch_up()
    assert told == ["bar"]
