"""The classroom's rules: rosters, what is taken, what counts, what the board says. Values only."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import world
from msgspec import structs

from labkit.authoring import recordings
from labkit.classroom import playing
from labkit.classroom.rules import counting, entries, standing, trust
from labkit.classroom.rules.counting import OBSERVED, SELF_REPORTED, Overruling, Policy, Result
from labkit.classroom.rules.standing import Seat, State, Step
from labkit.content import diagnoses, exercises
from labkit.errors import LabError
from labkit.grading.grade import grade_one
from labkit.lab.owner.workshop import Workshop

NOW = datetime(2027, 3, 5, 15, tzinfo=UTC)
KEY = Workshop("spring", b"k" * 32)


def ago(minutes):
    return NOW - timedelta(minutes=minutes)


# ── rosters ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def read(text):
    return entries.read(text if isinstance(text, bytes) else text.encode())


def test_a_roster_in_the_forms_that_programs_write():
    for text in (
        "id,name,email,section\nada,Ada Lovelace,ada@x.org,A\n",
        "\ufeffID;Name;E-Mail;Group\r\nada;Ada Lovelace;ada@x.org;A\r\n",
        "name\tid\tsection\temail\nAda  Lovelace\tada\tA\tada@x.org",
        "id,name,email,section\nada,Ada Lovelace,ada@x.org,A\n".encode("utf-16"),
        "\n\nlearner,full name,mail,class,grade\nada,Ada Lovelace,ada@x.org,A,1\n\n,,,\n",
    ):
        assert read(text).entries == (entries.Entry("ada", "Ada Lovelace", "ada@x.org", "A"),)
        assert read(text).notes == ()


def test_a_roster_with_names_alone():
    assert read("name\nAda\nGrace\n").entries == (entries.Entry("Ada", "Ada"), entries.Entry("Grace", "Grace"))


@pytest.mark.fault(
    "A roster names somebody twice, or with another width, case or form of accents",
    "the first line counts, and each other one is told",
)
def test_duplicates_are_told_and_the_first_counts():
    found = read("id,name\nzoë,Zoë\nzoe\u0308,Zoë\nZOË,Somebody\nａｄａ,Ada\nada,Ada\n")
    assert [one.ident for one in found.entries] == ["zoë", "ａｄａ"]
    assert [note.split(" was")[0] for note in found.notes] == ["Line 3", "Line 4", "Line 6"]
    assert "not the same; the first one counts" in found.notes[1]


@pytest.mark.fault("Names in other scripts, with quotes, commas and newlines", "they are kept whole, on one line")
def test_names_of_all_scripts_are_kept():
    names = [
        *playing.NAMES,
        'Seán "Big" O\'Brien, Jr.',
        "مريم",
        "👩‍🔬 Ada",
        "a\u202eb",
        "two\nlines",
        "=cmd|' /C calc'!A0",
    ]
    text = "id,name\n" + "".join(f'l{at},"{name.replace(chr(34), chr(34) * 2)}"\n' for at, name in enumerate(names))
    kept = [one.name for one in read(text).entries]
    assert kept[: len(playing.NAMES)] == list(playing.NAMES)
    assert kept[-5:] == ["مريم", "👩 🔬 Ada", "a b", "two lines", "=cmd|' /C calc'!A0"]


def test_lines_that_cannot_be_used_are_left_out():
    found = read("id,name\n,\n,Nobody has an id\nada,Ada\n" + "x" * 100_000 + ",Long\n ,  \nb\n")
    assert [one.ident for one in found.entries] == ["Nobody has an id", "ada", "b"]
    assert found.notes == ("Line 5 was left out: its id has more than 200 characters.",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"id,name\n", "names nobody"),
        (b"first,last\nAda,Lovelace\n", "no column"),
        (b"\xff\xff\xff", "not text"),
        (b"PK\x03\x04" + b"\x90" * 100, "not text"),
        (b"id\n" + b"x\n" * 6000, "more than 5,000 lines"),
        (b"x" * 2_000_001, "more than 2,000,000 bytes"),
    ],
)
def test_what_is_no_roster(text, told):
    with pytest.raises(LabError, match=told):
        entries.read(text)


# ── what is taken ────────────────────────────────────────────────────────────────────────────────────────────────────


def seen(learner="ada", taken=NOW, whose=None):
    one = world.solved_by(whose or KEY.person(learner))
    return structs.replace(one, taken=taken.isoformat())


def claim(learner="ada", **more):
    given = {"signed": False, "received": NOW, **more}
    return trust.Claim(learner=learner, person=KEY.person(learner), **given)


def test_ones_own_is_taken():
    assert trust.taken(seen(taken=ago(3)), claim()) == trust.Taken(SELF_REPORTED, ago(3))
    assert trust.taken(seen(taken=ago(3)), claim(signed=True)) == trust.Taken(OBSERVED, ago(3))


@pytest.mark.parametrize(
    ("what", "claimed", "told"),
    [
        (seen("grace"), claim("ada"), "from grace, not from your lab"),
        (world.solved().observation, claim("ada"), "without a learner's name"),
        (seen(whose=Workshop("spring", b"x" * 32).person("ada")), claim("ada"), "not from this workshop"),
        (seen(taken=ago(-10)), claim(), "after it was sent"),
        (seen(taken=ago(-10)), claim(signed=True), "in the future"),
        (seen(taken=ago(30)), claim(since=ago(20)), "before this machine joined"),
        (seen(taken=ago(30)), claim(newest=ago(20)), "older than one"),
        (structs.replace(seen(), taken="yesterday"), claim(), "no valid time"),
    ],
)
def test_what_is_refused(what, claimed, told):
    with pytest.raises(LabError, match=told):
        trust.taken(what, claimed)


@pytest.mark.fault("A laptop's clock is wrong by a day", "its results count as done when they were")
@pytest.mark.parametrize("wrong", [timedelta(days=1), timedelta(days=-1), timedelta(seconds=3)])
def test_a_clock_that_is_wrong(wrong):
    found = trust.taken(seen(taken=ago(7) + wrong), claim(sent=NOW + wrong, since=ago(60), newest=ago(8)))
    assert found == trust.Taken(SELF_REPORTED, ago(7))


def test_a_copy_has_the_same_traces_whatever_the_names():
    mine, copied = seen("ada"), seen("grace")
    assert trust.traces(mine) == trust.traces(copied) and len(trust.traces(mine)) >= trust.FEWEST
    assert trust.traces(structs.replace(mine, log=None)) == trust.traces(world.World().observation) == frozenset()
    part = structs.replace(mine, log=structs.replace(mine.log, events=mine.log.events[:1:-1]))
    assert trust.traces(part) < trust.traces(mine)


@pytest.mark.parametrize(
    ("lines", "shared", "told"), [(3, 3, True), (30, 2, False), (30, 3, True), (31, 3, False), (0, 0, False)]
)
def test_a_copy_is_told_from_chance(lines, shared, told):
    assert trust.copied(lines, shared) is told


@pytest.mark.fault(
    "The classroom's own clock was a day ahead, and is put right",
    "laptops that joined and sent meanwhile go on; nothing is refused for being older than the future",
)
def test_a_classroom_whose_clock_was_ahead():
    ahead = NOW + timedelta(days=1)
    assert trust.taken(seen(taken=ago(3)), claim(since=ahead, newest=ahead)) == trust.Taken(SELF_REPORTED, ago(3))


def test_times_at_the_ends_of_the_calendar():
    far = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    for taken, sent in ((far, None), (far, NOW - timedelta(days=400_000)), (NOW, datetime(1, 1, 1, tzinfo=UTC))):
        with pytest.raises(LabError, match=r"out of range|after it was sent"):
            trust.taken(seen(taken=taken), claim(sent=sent))
    odd = structs.replace(seen(), taken="0001-01-01T00:00:00+23:59")
    with pytest.raises(LabError, match="out of range"):
        trust.taken(odd, claim())


# ── what counts ──────────────────────────────────────────────────────────────────────────────────────────────────────


def result(number, earned, minutes=10, origin=OBSERVED, observation=None, late=0, slug="03-push", learner=1, checks=()):
    taken = ago(minutes)
    given = observation or f"digest {number}"
    return Result(number, learner, slug, given, origin, taken, taken + timedelta(minutes=late), earned, 3, checks)


def numbers(results, **policy):
    return [one.number for one, _ in counting.counting(results, Policy(**policy))]


def test_results_count_in_the_order_in_which_they_were_done():
    three = [result(1, 1, 30), result(2, 3, 50, SELF_REPORTED), result(3, 2, 40)]
    assert numbers(three) == [2, 3, 1]
    assert numbers(three, self_reported=False) == [3, 1]


def test_grading_again_replaces_and_is_no_attempt():
    again = [result(1, 1, 30, observation="a"), result(2, 2, 20, observation="b"), result(3, 3, 30, observation="a")]
    assert numbers(again) == [3, 2]
    assert numbers(again, attempts=1) == [3, 2]


def steps(*told, origin=OBSERVED, logs=None, start=1):
    """Results of one exercise with the checks a and b: "ok" passed, "-" blocked, else the diagnosis. `logs`: (begun, last) of
    each, where the access log is told."""
    made = []
    for number, one in enumerate(told, start):
        found = tuple(
            (check, *{"ok": ("passed", ""), "-": ("blocked", "")}.get(word, ("not_yet", word)))
            for check, word in zip("ab", one.split(), strict=True)
        )
        begun, last = logs[number - start] if logs else (0, number)
        earned = sum(outcome == "passed" for _, outcome, _ in found)
        made.append(changed(result(number, earned, 90 - number, origin, checks=found), begun=begun, last=last))
    return made


def changed(one, **changes):
    return replace(one, **changes)


UNDONE = frozenset({"none"})


@pytest.mark.parametrize(
    ("what", "done", "used"),
    [
        ("nothing has come", steps(), 0),
        ("the first look, at a lab in which nothing was done", steps("none -"), 0),
        ("the first look, at a mistake", steps("typo -"), 0),
        ("progress", steps("none -", "ok none", "ok ok"), 0),
        ("progress that shows the next mistake", steps("none -", "ok typo", "ok ok"), 0),
        ("a mistake", steps("none -", "typo -", "ok ok"), 1),
        ("another mistake", steps("none -", "typo -", "other -", "ok ok"), 2),
        ("a mistake that goes", steps("none -", "typo -", "none -"), 1),
        ("the same mistake again", steps("none -", "typo -", "none -", "typo -"), 2),
        ("a check is lost", steps("ok ok", "none -"), 1),
        ("a check is lost, and another one won", steps("ok typo", "typo ok"), 1),
        ("the lab was reset", steps("ok ok", "none -", logs=[(0, 9), (10, 10)]), 0),
        ("it was reset before, and now a check is lost", steps("ok ok", "none -", logs=[(10, 12), (10, 15)]), 1),
        ("the lab was made anew", steps("ok ok", "none -", logs=[(0, 9), (0, 2)]), 0),
        ("then the same mistake is made there", steps("typo -", "none -", "typo -", logs=[(0, 9), (0, 2), (0, 5)]), 1),
        (
            "a laptop and a lab here are two labs",
            [*steps("none -", "ok ok"), *steps("none -", "ok ok", origin=SELF_REPORTED, start=3)],
            0,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_try_is_used_up_by_a_step_that_goes_wrong(what, done, used):
    assert counting.tries(done, Policy(undone=UNDONE)) == used, what


@pytest.mark.parametrize(("attempts", "count"), [(0, 5), (1, 2), (2, 3), (3, 5), (9, 5)])
def test_after_the_last_try_no_more_counts(attempts, count):
    done = steps("none -", "typo -", "other -", "ok -", "ok ok")
    assert numbers(done, attempts=attempts, undone=UNDONE) == list(range(1, count + 1))


def test_grading_again_uses_up_no_try():
    """A check that was broken said "typo" to what was right; mended, it says so."""
    done = steps("none -", "typo -", "ok ok")
    mended = changed(steps("ok ok")[0], number=9, observation=done[1].observation, taken=done[1].taken)
    assert counting.tries(done, Policy(undone=UNDONE)) == 1
    assert counting.tries([*done, mended], Policy(undone=UNDONE)) == 0


def test_what_nobody_has_done_yet_is_no_mistake():
    """A lab in which nothing was done says of no exercise that there is a mistake. 07-versions does: it begins with what
    06-practice left there."""
    undone = diagnoses.undone()
    for one in exercises.every():
        told = {check.diagnosis for check in grade_one(one, world.World().observation).checks} - {""}
        assert told <= undone, one.slug
    for slug in exercises.slugs():
        nothing = recordings.load_told(slug).get("wrong-nothing", {})
        told = {check["diagnosis"] for check in nothing.values() if "diagnosis" in check}
        assert told - undone == ({"push-other-tag"} if slug == "07-versions" else set()), slug
        real = {check.get("diagnosis", "") for told in recordings.load_told(slug).values() for check in told.values()}
        assert real - undone - {""}, f"{slug} has mistakes"


def test_what_was_offline_too_long_counts_as_done_when_it_came():
    for origin, late, counted in (
        (SELF_REPORTED, 60, ago(90)),
        (SELF_REPORTED, 120, ago(90)),
        (SELF_REPORTED, 121, ago(90) + timedelta(minutes=121)),
        (OBSERVED, 500, ago(90)),
    ):
        assert counting.counted_at(result(1, 3, 90, origin, late=late), Policy()) == counted


def test_the_newest_overruling_holds_unless_it_was_taken_back():
    said = [Overruling(number, 1, "03-push", earned, "why", "Grace", NOW) for number, earned in ((2, 1.0), (1, 3.0))]
    assert counting.standing(said).number == 2
    assert counting.standing([*said, Overruling(3, 1, "03-push", None, "a mistake", "Grace", NOW)]) is None
    assert counting.standing([]) is None


# ── the board ────────────────────────────────────────────────────────────────────────────────────────────────────────

STEPS = (
    Step("02-tag", "Tag", 3, (("tagged", ""), ("same", ""))),
    Step("03-push", "Push", 3, (("in_hub", ""), ("same", ""))),
)
PASSED = (("in_hub", "passed", ""), ("same", "passed", ""))
NONE = (("in_hub", "not_yet", "push-none"), ("same", "blocked", ""))
TYPO = (("in_hub", "not_yet", "push-typo"), ("same", "blocked", ""))
STALE = (("in_hub", "passed", ""), ("same", "not_yet", "push-stale"))
NEXT = (("in_hub", "passed", ""), ("same", "not_yet", "push-none"))
BOTH = (("in_hub", "not_yet", "push-none"), ("same", "not_yet", "push-stale"))


def made(results, seats=None, now=NOW):
    seats = seats or (Seat(1, 1, "Ada", "A", True, None),)
    return standing.board(STEPS, seats, results, now, str.upper, {"push-none", "tag-none"})


def of(earned, minutes, checks, slug="03-push", learner=1):
    return result(int(minutes * 10), earned, minutes, slug=slug, learner=learner, checks=checks)


@pytest.mark.parametrize(
    ("results", "state", "here", "diagnosis", "since"),
    [
        ([], State.AWAY, "02-tag", "", None),
        ([of(0, 1, NONE)], State.READING, "03-push", "push-none", 1),
        ([of(0, 9, NONE)], State.READING, "03-push", "push-none", 9),
        ([of(0, 4, TYPO)], State.WORKING, "03-push", "push-typo", 4),
        ([of(0, 5, TYPO)], State.STUCK, "03-push", "push-typo", 5),  # the first look may already be a mistake
        ([of(0, 11, NONE)], State.IDLE, "03-push", "push-none", 11),
        ([of(0, 6, NONE), of(0, 2, TYPO)], State.WORKING, "03-push", "push-typo", 2),
        ([of(0, 20, TYPO), of(0, 8, NONE), of(0, 2, NONE)], State.WORKING, "03-push", "push-none", 8),
        ([of(0, 8, NONE), of(2, 7, STALE)], State.STUCK, "03-push", "push-stale", 7),
        ([of(0, 8, NONE), of(2, 7, NEXT)], State.WORKING, "03-push", "push-none", 7),
        ([of(2, 7, BOTH)], State.STUCK, "03-push", "push-stale", 7),  # a mistake before what is still to be done
        ([of(3, 4, PASSED)], State.WORKING, "02-tag", "", None),
        ([of(3, 8, PASSED)], State.READING, "02-tag", "", None),
        ([of(3, 8, (), "02-tag"), of(3, 30, PASSED)], State.DONE, "", "", None),
        (
            [of(0, 4, NONE), of(3, 3, (("tagged", "passed", ""), ("same", "passed", "")), "02-tag")],
            State.WORKING,
            "03-push",
            "push-none",
            3,
        ),
    ],
)
def test_how_a_learner_stands(results, state, here, diagnosis, since):
    found = made(results).rows[0]
    assert (found.state, found.here, found.diagnosis) == (state, here, diagnosis)
    assert found.since == (since and ago(since))


def test_who_has_just_come_to_an_exercise_is_not_stuck_there_since_the_first_look():
    tagged = (("tagged", "passed", ""), ("same", "passed", ""))
    none = (("tagged", "not_yet", "tag-none"), ("same", "blocked", ""))
    first = [of(0, 40, none, "02-tag"), of(0, 40, NONE)]
    assert row_of(made(first)) == (State.IDLE, "02-tag", "tag-none", ago(40))
    done = [*first, of(3, 2, tagged, "02-tag")]
    assert row_of(made(done)) == (State.WORKING, "03-push", "push-none", ago(2))
    assert row_of(made(done, now=NOW + timedelta(minutes=4))) == (State.READING, "03-push", "push-none", ago(2))
    typo = [of(0, 40, none, "02-tag"), of(0, 40, TYPO), of(3, 2, tagged, "02-tag")]
    assert row_of(made(typo, now=NOW + timedelta(minutes=2))) == (State.WORKING, "03-push", "push-typo", ago(2))
    assert row_of(made(typo, now=NOW + timedelta(minutes=4))) == (State.STUCK, "03-push", "push-typo", ago(2))


def row_of(board):
    found = board.rows[0]
    return found.state, found.here, found.diagnosis, found.since


def test_a_sign_of_life_keeps_one_from_being_idle():
    seats = (Seat(1, 1, "Ada", "A", True, ago(2)),)
    assert made([of(0, 30, TYPO)], seats).rows[0].state is State.STUCK
    assert made([of(0, 30, NONE)], seats).rows[0].state is State.READING
    assert made([], seats).rows[0].state is State.READING


def test_may_i_go_on():
    seats = [Seat(number, number, f"L{number}", signed_in=number < 4) for number in range(1, 6)]
    found = made([of(3, 9, PASSED, learner=1), of(0, 6, TYPO, learner=2), of(2, 1, STALE, learner=3)], seats)
    push = found.columns[1]
    assert (push.done, push.here, push.stuck, push.passed) == (1, 2, 1, (2, 1))
    assert found.present == 3


def test_frequent_mistakes_are_ranked_by_learners_then_by_the_longest_wait():
    seats = [Seat(number, number, f"L{number}", signed_in=True) for number in range(1, 8)]
    found = made(
        [
            of(0, 2, TYPO, learner=1), of(0, 3, TYPO, learner=2), of(0, 4, TYPO, learner=3),
            of(0, 1, NONE, learner=4),  # no mistake: does not count
            of(2, 9, STALE, learner=5),
            of(0, 30, TYPO, learner=6),  # idle: does not count
        ],
        seats,
    )  # fmt: skip
    assert [(one.diagnosis, one.title, len(one.learners)) for one in found.frequent] == [
        ("push-typo", "PUSH-TYPO", 3), ("push-stale", "PUSH-STALE", 1),
    ]  # fmt: skip
    assert found.frequent[0].since == ago(4)


def test_hands_the_longest_first():
    seats = [Seat(1, 1, "Ada", hand=ago(1)), Seat(2, 2, "Bo"), Seat(3, 3, "Cy", hand=ago(9))]
    assert [one.seat.name for one in made([], seats).hands] == ["Cy", "Ada"]


def test_how_long_in_words():
    assert [standing.ago(ago(minutes), NOW) for minutes in (0.5, 1, 59, 119, 120, 600)] == [
        "just now", "1 min", "59 min", "119 min", "2 h", "10 h",
    ]  # fmt: skip


# ── the simulated class ──────────────────────────────────────────────────────────────────────────────────────────────


def test_what_the_simulated_class_plays_is_the_recordings_graded_as_they_were():
    from labkit.authoring.recordings import load_told

    whose = KEY.person("learner007")
    for slug, held in playing.recorded().attempts.items():
        told = load_told(slug)
        for name in held:
            found = grade_one(
                exercises.load(slug), playing.observation(playing.Move(timedelta(), 6, slug, name), whose, NOW)
            )
            verdicts = {check.id: check.diagnosis or check.outcome.value for check in found.checks}
            assert verdicts == {id_: one.get("diagnosis") or one["outcome"] for id_, one in told[name].items()}, name


def test_the_simulated_class_is_that_of_the_recordings():
    from test_style import ROOT, script

    made = script("simulated").made()
    assert (ROOT / "labkit/classroom/recorded.json.xz").read_bytes() == made, "run: .venv/bin/python docs/simulated.py"


def test_the_simulated_class_makes_mistakes_and_mends_them():
    moves = playing.plan(30)
    assert moves == playing.plan(30) != playing.plan(30, seed=2)
    assert moves == sorted(moves, key=lambda one: (one.at, one.learner))
    assert {move.learner for move in moves} == set(range(30))
    assert any(move.says for move in moves)
    wrong = [move for move in moves if move.attempt.startswith("wrong-")]
    assert 0.2 < len(wrong) / len(moves) < 0.7
    assert len(entries.read(playing.roster(95)).entries) == 95


def test_a_laptop_needs_nothing_beyond_labkit():
    from test_rooms import loaded_by

    loaded = loaded_by("import labkit.classroom.queue, labkit.cli.classroom, labkit.classroom.needs")
    assert loaded & {"sqlalchemy", "alembic", "starlette", "uvicorn", "jinja2", "psycopg", "httpx"} == set()
