"""Marks as values: which one counts, what lateness costs, what all is worth."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from labkit.classroom.gradebook import (
    Counts,
    Gradebook,
    Item,
    Late,
    Learner,
    Mark,
    Origin,
    plain,
    tidy,
)
from labkit.errors import LabError

NOON = datetime(2027, 3, 5, 12, tzinfo=UTC)
ITEMS = (
    Item(exercise="01-login", title="Sign in", maximum=4),
    Item(exercise="03-push", title="Push", maximum=10, weight=3),
)


def mark(points, exercise="03-push", maximum=10, at=NOON, **more):
    return Mark(learner="ada", exercise=exercise, points=points, maximum=maximum, at=at, **more)


def book(*marks, **more):
    learners = (Learner(id="ada", name="Ada"), Learner(id="bob"))
    return Gradebook(**{"workshop": "spring", "learners": learners, "items": ITEMS, "marks": marks, **more})


@pytest.mark.parametrize(
    ("points", "maximum"),
    [(math.nan, 1), (math.inf, math.inf), (-1, 1), (2, 1), (1, math.nan), (True, 1), (1, -1), (-0.01, 0)],
)
def test_what_is_no_mark_is_refused(points, maximum):
    with pytest.raises(ValueError):
        mark(points, maximum=maximum)


def test_a_mark_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        mark(1, at=datetime(2027, 3, 5, 12))


def test_the_best_counts_and_of_equal_ones_the_earliest():
    first, again, worse = mark(7), mark(7, at=NOON + timedelta(hours=1)), mark(3, at=NOON + timedelta(hours=2))
    assert book(worse, again, first).counting("ada", "03-push").mark == first
    assert book(worse, again, first, counts=Counts.NEWEST).counting("ada", "03-push").mark == worse
    assert book().counting("ada", "03-push") is None


def test_what_an_instructor_set_counts_even_if_it_is_less_or_late():
    late = Late(deadline=NOON, per_day=1.0)
    set_by_hand = mark(9).set_to(2, "copied from Bob", NOON + timedelta(days=3))
    scored = book(mark(9), set_by_hand, late=late).counting("ada", "03-push")
    assert (scored.points, scored.late, scored.mark.overruled) == (2, 1.0, "copied from Bob")
    with pytest.raises(ValueError, match="reason"):
        mark(9).set_to(2, "  ", NOON)


def test_what_was_set_by_hand_is_the_same_part_whatever_the_exercise_is_worth_later():
    by_hand = mark(9).set_to(4, "told aloud", NOON)
    now = book(by_hand, items=(Item(exercise="03-push", title="Push", maximum=25),)).counting("ada", "03-push")
    assert (now.points, now.maximum, now.given) == (10, 25, (4, 10))
    assert now.by_hand == "4 of 10: told aloud"
    then = book(by_hand).counting("ada", "03-push")
    assert (then.points, then.given, then.by_hand) == (4, (4, 10), "told aloud")
    checked = book(mark(5), items=(Item(exercise="03-push", title="Push", maximum=25),)).counting("ada", "03-push")
    assert (checked.given, checked.by_hand) == ((12.5, 25), "")


def test_the_best_is_chosen_after_lateness():
    late = Late(deadline=NOON, per_day=0.5)
    early, better = mark(6), mark(10, at=NOON + timedelta(hours=1))
    scored = book(early, better, late=late).counting("ada", "03-push")
    assert (scored.mark, scored.points) == (early, 6)


@pytest.mark.parametrize(
    ("after", "factor"),
    [
        (timedelta(0), 1),
        (timedelta(minutes=10), 1),
        (timedelta(minutes=10, microseconds=1), 0.9),
        (timedelta(days=1, minutes=10), 0.9),
        (timedelta(days=1, minutes=11), 0.8),
        (timedelta(days=9), 0.5),
        (timedelta(days=10), 0),
    ],
)
def test_what_lateness_costs(after, factor):
    policy = Late(deadline=NOON, grace=600, per_day=0.1, most=0.5, closed=NOON + timedelta(days=10))
    assert policy.factor(NOON + after) == pytest.approx(factor)


def test_the_total_is_by_weight_and_what_is_missing_counts_as_nothing():
    total = book(mark(4, "01-login", 4)).total("ada")
    assert (total.share, total.percent, total.points, total.maximum) == (0.25, 25, 4, 14)
    assert (total.marked, total.of) == (1, 2)
    assert book().total("bob").share == 0


def test_an_exercise_without_points_counts_for_nothing():
    nothing = Item(exercise="00-read", title="Read", maximum=0)
    assert book(mark(0, "00-read", 0), items=(nothing,)).total("ada").share == 0
    assert book(mark(0, "00-read", 0), items=(nothing,)).counting("ada", "00-read").share == 0


def test_a_mark_of_an_older_maximum_is_told_in_the_items_points():
    scored = book(mark(4, maximum=8)).counting("ada", "03-push")
    assert (scored.points, scored.maximum) == (5, 10)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"learners": (Learner(id="a"), Learner(id="a"))}, "'a' is there twice"),
        ({"items": (*ITEMS, ITEMS[0])}, "'01-login' is there twice"),
        ({"learners": ()}, "no learner of this workshop"),
        ({"items": ITEMS[:1]}, "no exercise of this workshop"),
    ],
)
def test_a_gradebook_that_contradicts_itself_is_refused(wrong, told):
    with pytest.raises(ValueError, match=told):
        book(mark(1), **wrong)


def test_it_is_read_as_it_was_written():
    written = book(mark(2, origin=Origin.OBSERVED, comment="<b>gut</b>"), late=Late(deadline=NOON, per_day=0.1))
    assert Gradebook.parse(written.dump()) == written
    assert written.with_marks([mark(3)]).with_marks([mark(3)]).marks[1:] == (mark(3),)


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{", b'{"workshop": 1}', b"\xff", b"[" * 100_000, b'{"workshop":"x","learners":[{"id":""}]}']
)
def test_what_is_no_gradebook_is_told(text):
    with pytest.raises(LabError, match="not a gradebook"):
        Gradebook.parse(text)


@given(some.lists(some.integers(0, 10), max_size=6), some.floats(0, 1), some.floats(0, 1))
def test_no_mark_is_worth_more_than_its_maximum_or_less_than_nothing(points, per_day, most):
    late = Late(deadline=NOON, per_day=per_day, most=most)
    marks = [mark(each, at=NOON + timedelta(hours=7 * n)) for n, each in enumerate(points)]
    found = book(*marks, late=late)
    scored, total = found.counting("ada", "03-push"), found.total("ada")
    assert 0 <= total.share <= 1
    assert (scored is None) == (not points)
    assert scored is None or 0 <= scored.points <= max(points)


@pytest.mark.parametrize(("number", "text"), [(3, "3"), (0.125, "0.13"), (2.675, "2.68"), (0, "0"), (1e6, "1000000")])
def test_numbers_as_people_write_them(number, text):
    assert plain(number) == text
    assert tidy(number) == float(text)
