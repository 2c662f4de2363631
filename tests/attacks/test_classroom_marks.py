"""Marks while everything moves: grading again, hand-ins at the same moment, limits, clocks, other workshops."""

import json
import re
import shutil
from datetime import timedelta

import pytest
from classrooms import at_once, classroom
from msgspec import structs

from labkit import paths
from labkit.classroom.records import handing_in, judging, people
from labkit.grading.grade import grade_one
from labkit.lab.owner.workshop import Workshop
from labkit.seen.observation import seal

attack = pytest.mark.attack
LEARNERS = ("ada", "grace", "li", "tim", "eve", "bob", "kim")
ROSTER = ("id,name\n" + "".join(f"{one},{one.title()}\n" for one in LEARNERS)).encode()
WEIGHTS = {f"weight-{slug}": "1" for slug in ("01-login", "02-tag", "03-push", "04-pull", "05-deploy")}
RIGHT, WRONG, NOTHING = "03-push/right-as-printed", "03-push/wrong-tag", "03-push/wrong-not-signed-in"
ALL, PASSED = 4, 2
"""Points of 03-push: for what is right, and for a wrong tag once the check is mended."""


@pytest.fixture
def here(tmp_path):
    with classroom(tmp_path / "rooms", roster=ROSTER) as one:
        yield one


@pytest.fixture
def instructor(here):
    return here.browser("instructor")


def settings(instructor, **more):
    assert instructor.post("/workshop/settings", **(WEIGHTS | {"self_reported": "on"} | more)).status_code == 303


@pytest.fixture
def mended(tmp_path, monkeypatch):
    """Lets the check of 03-push pass always, from then on: a course that is changed while the classroom runs."""
    course = tmp_path / "course"
    shutil.copytree(paths.course() / "exercises", course / "exercises")
    monkeypatch.setenv("LABKIT_COURSE", str(course))

    def mend(old=r"(def in_hub\(.*\n    \"\"\".*\n)", new=r'\1    return "mended"\n'):
        file = course / "exercises/03-push/checks.py"
        text = file.read_text()
        file.write_text(re.sub(old, new, text))
        assert file.read_text() != text

    judging.afresh()
    yield mend
    monkeypatch.undo()
    judging.afresh()


def regraded(instructor):
    page = instructor.get("/regrade").text
    token = re.search(r'name="token" value="([0-9a-f]+)"', page)
    return instructor.post("/regrade", token=token[1]).text if token else page


@attack(
    "evidence",
    "Hand in just while a check is mended, so that the old check's verdict passes for the new one's",
    "it is graded again with all others",
)
def test_what_was_graded_by_the_old_check_says_so(here, instructor, mended, monkeypatch):
    def slowly(exercise, seen):
        result = grade_one(exercise, seen)
        if exercise.slug == "03-push":
            mended()
            assert instructor.get("/regrade").status_code == 200, "somebody looks what would change meanwhile"
        return result

    monkeypatch.setattr(handing_in, "grade_one", slowly)
    here.observed("ada", WRONG)
    monkeypatch.setattr(handing_in, "grade_one", grade_one)
    assert here.points("ada") == 0
    assert "They count now" in regraded(instructor)
    assert here.points("ada") == PASSED
    assert "nothing to do" in regraded(instructor)


@attack(
    "evidence",
    "Grading again while the same learners hand in, and a mark that was overruled before and after",
    "the word of a person stays; no result is lost, doubled or taken for another's",
)
def test_grading_again_while_hand_ins_come(here, instructor, mended):
    for ident in ("ada", "grace", "li", "tim"):
        here.observed(ident, WRONG)
    ada, grace = here.number("ada"), here.number("grace")
    assert instructor.post(f"/learner/{ada}/03-push/overrule", earned="1", reason="late, agreed").status_code == 303
    mended()
    page = instructor.get("/regrade").text
    token = re.search(r'name="token" value="([0-9a-f]+)"', page)[1]
    assert "ada" not in page.partition("<tbody>")[2], "what a person said does not change"
    signed = {ident: here.signed(ident, RIGHT, spread=5) for ident in ("li", "tim", "eve", "bob")}

    def one(at):
        if at < 2:
            return instructor.post("/regrade", token=token).status_code
        ident = ("li", "tim", "eve", "bob")[at % 4]
        return here.post(here.broker, signed[ident], learner=ident, exercises=["03-push"]).status_code

    told = at_once(one, 10)
    assert set(told[:2]) <= {200, 409} and set(told[2:]) == {200}
    regraded(instructor)
    assert [here.points(ident) for ident in ("ada", "grace", "li", "tim", "eve", "bob")] == [
        1,
        PASSED,
        ALL,
        ALL,
        ALL,
        ALL,
    ]
    for ident in LEARNERS:
        kept = [(one.observation, one.exercise, one.content) for one in here.results(ident)]
        assert len(kept) == len(set(kept))
    assert instructor.post(f"/learner/{grace}/03-push/overrule", earned="0", reason="it was a copy").status_code == 303
    assert instructor.post(f"/learner/{ada}/03-push/overrule", back="yes", reason="by mistake").status_code == 303
    regraded(instructor)
    assert (here.points("ada"), here.points("grace")) == (PASSED, 0)


@attack(
    "evidence",
    "After grading again, hand in what looks as an older observation's new verdict does",
    "it is compared with the newest observation, and kept",
)
def test_after_grading_again_the_newest_observation_is_the_last(here, instructor, mended):
    here.observed("ada", "03-push/wrong-other-image")
    mended(r"return facts.is_sample\(.*", 'return "mended"')
    judging.afresh()
    here.observed("ada", WRONG, spread=3)
    regraded(instructor)
    older = here.results("ada")[-1]
    assert older.earned == ALL, "the older one's new verdict has the newest row"
    again = here.observed("ada", RIGHT, spread=9)
    assert again["changed"] == [{"exercise": "03-push", "earned": ALL, "points": ALL}]
    assert here.results("ada")[-1].checks == older.checks


@attack(
    "evidence",
    "Pass the limit of tries by handing in twenty times at the same moment, by another machine, or by the same result again",
    "what counts follows from the order of what was seen: the limit holds",
)
def test_the_limit_of_tries_holds_at_the_same_moment(here, instructor):
    slug = "02-tag"  # recorded labs of 03-push were reset before each attempt, which costs no try
    settings(instructor, attempts="1")
    for spread, name in enumerate(("wrong-typo", "wrong-version")):
        here.observed("kim", f"{slug}/{name}", ago=timedelta(seconds=60 - spread), spread=spread)
    used = here.points("kim", slug)
    late = [here.signed("kim", f"{slug}/right-as-printed", spread=20 + at) for at in range(10)]
    told = at_once(lambda at: here.post(here.broker, late[at], learner="kim", exercises=[slug]).status_code, 10)
    assert set(told) == {200}
    kept = here.results("kim")
    done = [one.taken for one in kept if one.done]
    assert done and done == sorted(set(done), reverse=True), "the same verdict again is kept only where it was earlier"
    same = at_once(lambda _: here.post(here.broker, late[0], learner="kim", exercises=[slug]).json(), 10)
    assert not any(one["changed"] for one in same) and len(here.results("kim")) == len(kept)
    assert here.points("kim", slug) == used == 0, "a first look, a new mistake, and then no more counts"


@attack(
    "evidence",
    "An observation of a workshop of the same name with another key, of the same learner; of another exercise; from before a reset, "
    "kept aside; signed and then stripped of its signature",
    "409 or self-reported; nothing that was seen later is pushed aside",
)
def test_observations_from_elsewhere_and_before(here, instructor):
    other = Workshop(here.room.key.name, b"x" * 32)
    seen = here.observation("ada", RIGHT)
    of_there = structs.replace(seen, lab=structs.replace(seen.lab, person=other.person("ada")))
    own = here.token(people.DEVICE, "ada")
    for one in (other.signed(seen), other.signed(of_there), of_there):
        assert here.post(own, one.dump()).status_code == 409
        assert here.post(here.broker, one.dump(), learner="ada").status_code in (403, 409)
    assert here.post(own, here.room.key.signed(seen).dump(), exercises=["03-push", "04-pull"]).status_code == 200
    assert here.points("ada", "04-pull") == 0, "what the observation does not show is not earned"
    here.clock.ahead = timedelta(hours=1)
    settings(instructor, self_reported="")
    kept = here.observation("grace", RIGHT, ago=timedelta(minutes=30))
    stripped = here.room.key.signed(kept).data()
    del stripped["signature"]
    machine = here.token(people.DEVICE, "grace")
    assert here.post(machine, json.dumps({**stripped, "seal": seal(stripped)})).status_code == 409, "before it joined"
    assert here.post(machine, here.observation("grace", RIGHT, spread=2).dump()).json()["origin"] == "self-reported"
    assert here.points("grace") == 0, "self-reported does not count here"
    here.observed("grace", WRONG, spread=4)
    assert here.points("grace") == 0, "and does not beat what was observed"
    here.observed("grace", RIGHT, ago=timedelta(minutes=29), spread=6)
    assert here.points("grace") == ALL, "signed is observed, whenever it comes"


@attack(
    "evidence",
    "Make late work early: a signed observation handed in after the deadline and one from after it with another time; a classroom's "
    "clock a day wrong; `sent` in every direction",
    "an observed result counts as done when it was seen; a laptop that was away for too long, when it came",
)
def test_lateness_is_the_observations_time(here, instructor):
    from datetime import UTC, datetime

    here.clock.ahead = timedelta(hours=10)
    noon = (datetime.now(UTC) + timedelta(hours=9)).astimezone()
    settings(instructor, deadline=f"{noon:%Y-%m-%dT%H:%M}", late="50", offline="30")
    here.observed("ada", RIGHT, ago=timedelta(hours=2))
    assert here.points("ada") == ALL, "seen before the deadline, handed in after it"
    here.observed("grace", RIGHT, spread=2)
    assert here.points("grace") == ALL / 2
    signed = json.loads(here.signed("li", RIGHT, spread=3))
    signed["taken"] = (datetime.now(UTC) + timedelta(hours=5)).isoformat()
    assert here.post(here.broker, json.dumps({**signed, "seal": seal(signed)}), learner="li").status_code == 409
    tim = here.token(people.DEVICE, "tim")
    with here.room.database.writing() as session:  # joined long ago
        from labkit.classroom.records.models import Pass

        found = session.get(Pass, people.digest(here.room.key.key, people.DEVICE, tim))
        found.made -= timedelta(hours=8)
    now = here.clock()
    for at, sent in enumerate((now + timedelta(days=1), now - timedelta(days=1), None)):
        seen = here.observation("tim", RIGHT, ago=timedelta(hours=2) - timedelta(minutes=at), spread=10 + at)
        more = {} if sent is None else {"sent": sent.isoformat()}
        answer = here.post(tim, seen.dump(), **more)
        assert answer.status_code in (200, 409), answer.text
        assert here.points("tim") <= ALL / 2, "two hours away are more than the half one that is believed"
    settings(instructor, deadline="1970-01-01T00:00", late="100")
    assert here.points("ada") == 0 and instructor.get("/marks").status_code == 200, "a deadline before the start"


@attack(
    "files",
    "Weights, limits and percents that are no number, endless, negative, huge, tiny or in parts; a deadline outside of time",
    "409 in a sentence, or what the page then shows; every total stays a number from 0 to 100",
)
def test_settings_that_are_odd(here, instructor):
    here.observed("ada", RIGHT)
    for field, values in {
        "weight-03-push": ("nan", "NaN", "inf", "-inf", "-1", "1e400", "1001", "0x10", "1,5", "١e"),
        "attempts": ("nan", "-1", "0.5", "1e6", "1.9"),
        "late": ("nan", "-1", "101", "2.5"),
        "grace": ("-1", "1e9", "0.1"),
        "offline": ("nan", "-1", "1e9", "0.5"),
        "deadline": ("9999-12-31T23:59:59-23:59", "2027-13-01T00:00", "now", "2027-01-01T00:00+99:99"),
    }.items():
        for value in values:
            answer = instructor.post("/workshop/settings", **(WEIGHTS | {"self_reported": "on", field: value}))
            assert answer.status_code == 409, (field, value)
    for weight in ("1e-320", "1000", "0.1"):
        settings(instructor, **{"weight-03-push": weight})
        told = json.loads(instructor.get("/marks/export/json").text)
        assert all(0 <= one["total"]["percent"] <= 100 for one in told["results"]), weight
        assert here.browser("ada").get("/me").status_code == instructor.get("/board").status_code == 200


@attack(
    "files",
    "A text of 100 kB, of zero bytes, of half characters and of what only looks like text, as a reflection by form and by observation",
    "kept as text, cut or refused in a sentence; the pages of learner and instructor show it",
)
def test_texts_that_are_odd(tmp_path):
    slug = "06-practice"
    with classroom(tmp_path / "rooms", roster=ROSTER, exercises=("03-push", slug)) as here:
        instructor, ada, number = here.browser("instructor"), here.browser("ada"), here.number("ada")
        own = here.token(people.DEVICE, "ada")
        for at, text in enumerate(
            ("x" * 100_001, "é" * 100_000, "\x00" * 5000, "a\x00b", "\u202e\u2066\x1b[2J", "\ufdfd" * 900)
        ):
            answer = ada.post("/me/reflection", exercise=slug, text=text)
            assert answer.status_code == (409 if at == 0 else 303), (at, answer.text[:200])
            data = here.observation("ada", RIGHT, spread=at).data()
            data["answers"] = {slug: {"reflection": text + "\ud800"}, "99-x": {"reflection": text}}
            answer = here.post(own, json.dumps({**data, "seal": seal(data)}))
            assert answer.status_code == 200, answer.text
            page = instructor.get(f"/learner/{number}/{slug}")
            assert ada.get("/me").status_code == page.status_code == 200
            assert not set("\x00\x1b\u202e") & set(page.text), "what nobody should see is not sent to a page"
