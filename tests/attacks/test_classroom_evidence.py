"""Marks that a learner would like to have, at the classroom's real door: copies with small changes, words for results, HTML in what
a lab holds, formulas in files."""

import csv
import io
import json
from datetime import timedelta

import pytest
from classrooms import classroom

from labkit.classroom.records import people
from labkit.seen.observation import Observation, seal

attack = pytest.mark.attack
LEARNERS = ("ada", "grace", "li", "tim", "eve", "bob", "kim", "zoë")
ROSTER = ("id,name,email\n" + "".join(f"{one},{one.title()},{one}@x.org\n" for one in LEARNERS)).encode()


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with classroom(tmp_path_factory.mktemp("rooms"), roster=ROSTER) as one:
        one.passes = {ident: one.token(people.DEVICE, ident, lasting=timedelta(days=9)) for ident in LEARNERS}
        one.clock.ahead = timedelta(hours=1)  # all have joined long ago
        yield one


@pytest.fixture
def instructor(here):
    return here.browser("instructor")


def as_of(here, seen, thief):
    """Another's observation with the thief's names in it: JSON that is sealed again, as anybody can."""
    text = json.dumps(seen.data())
    whose, own = here.room.key.person(seen.lab.person.learner), here.room.key.person(thief)
    for name in ("username", "version", "secret"):
        text = text.replace(getattr(whose, name), getattr(own, name))
    data = json.loads(text)
    data["lab"] = here.observation(thief).data()["lab"]
    return data


def renamed(data, own):
    pass


def in_another_order(data, own):
    events = data["log"]["events"][::-1]
    data["log"]["events"] = [{**one, "seq": at} for at, one in enumerate(events, 1)]


def a_part(data, own):
    data["log"]["events"] = data["log"]["events"][-6:]


def every_other_line(data, own):
    data["log"]["events"] = data["log"]["events"][::2]


def among_ones_own(data, own):
    lines = [*own["log"]["events"], *data["log"]["events"][-10:]]
    data["log"]["events"] = [{**one, "seq": at} for at, one in enumerate(lines, 1)]


def by_other_programs(data, own):
    for one in data["log"]["events"]:
        one |= {"agent": "docker/99", "machine": "workstation", "digest": "sha256:" + "0" * 64}


@attack(
    "evidence",
    "Copy another learner's observation with one's own names, and in another order, a part of the log, every other line, among "
    "one's own lines, or with other programs and digests",
    "refused; the log of the classroom names both",
)
@pytest.mark.parametrize("observed", [True, False])
def test_a_copy_with_small_changes(here, instructor, observed):
    victim, thief = ("ada", "grace") if observed else ("li", "tim")
    seen = here.observation(victim)
    if observed:
        answer = here.post(here.broker, here.room.key.signed(seen).dump(), learner=victim)
    else:
        answer = here.post(here.passes[victim], seen.dump())
    assert answer.json()["changed"], answer.text
    own = here.observation(thief, "01-login/right-after-a-wrong-password", ago=timedelta(seconds=3), spread=7).data()
    for change in (renamed, in_another_order, a_part, every_other_line, among_ones_own, by_other_programs):
        data = as_of(here, seen, thief)
        change(data, own)
        answer = here.post(here.passes[thief], json.dumps({**data, "seal": seal(data)}))
        assert (answer.status_code, "another learner's lab" in answer.json()["message"]) == (409, True), change.__name__
        assert victim not in answer.text, "whose it is, the thief is not told"
    assert here.results(thief) == []
    assert f"came from {victim} before" in instructor.get("/log?names=shown").text
    assert here.post(here.passes[thief], Observation.read(own).dump()).json()["changed"], "one's own is taken as ever"
    again = here.observation(victim, "03-push/wrong-tag")
    assert here.post(here.passes[victim], again.dump()).status_code == 200


@attack(
    "evidence",
    "Raise one's own mark: points, verdicts, another's exercise or a later content in what is sent; forms of an instructor",
    "400, 403 or 409; what counts is graded here",
)
def test_raising_ones_own_mark(here, instructor):
    here.observed("bob", "03-push/wrong-tag")
    before = here.points("bob")
    own, number = here.passes["bob"], here.number("bob")
    data = here.observation("bob", "03-push/wrong-tag", spread=9).data()
    for more in ({"earned": 3}, {"points": 99}, {"origin": "observed"}, {"member": 1}, {"device": ""}):
        assert here.post(own, json.dumps({**data, "seal": seal(data)}), **more).status_code == 400
    for added in ({"earned": 3}, {"report": {"03-push": {"earned": 3}}}, {"results": []}):
        data_and = {**data, **added}
        answer = here.post(own, json.dumps({**data_and, "seal": seal(data_and)}))
        assert answer.status_code in (200, 409)
    assert here.post(own, json.dumps({**data, "seal": seal(data)}), exercises=["99-gift"]).status_code == 409
    signed = {**data, "signature": json.loads(here.signed("bob"))["signature"]}
    assert here.post(own, json.dumps({**signed, "seal": seal(signed)})).status_code == 409
    bob = here.browser("bob")
    for path in (
        f"/learner/{number}/03-push/overrule",
        f"/learner/{number}/03-push/reflection",
        "/regrade",
        "/workshop/settings",
    ):
        assert bob.post(path, earned="3", reason="I am good").status_code == 403
    assert here.points("bob") == before
    assert {one.origin for one in here.results("bob")} <= {"observed", "self-reported"}


MARK = "lkattack"
BAD = f"<script>{MARK}()</script><img src=x onerror={MARK}()>\"'></textarea>{{{{7*7}}}}"


@attack(
    "pages",
    "HTML and scripts in what a lab holds (tags, agents, services, answers), and in an exercise's or a workshop's address",
    "it is shown as text on every page, or not at all",
)
def test_html_in_what_a_lab_holds(here, instructor):
    text = json.dumps(here.observation("eve", spread=11).data())
    version = here.room.key.person("eve").version
    data = json.loads(text.replace(f'"{version}"', json.dumps(BAD)))
    for one in data["log"]["events"]:
        one |= {"agent": BAD, "reference": BAD, "reason": BAD, "user": BAD}
    data["answers"] = {"03-push": {"q1": BAD, BAD: BAD}}
    data["lab"] = here.observation("eve").data()["lab"]
    answer = here.post(here.passes["eve"], json.dumps({**data, "seal": seal(data)}))
    assert answer.status_code == 200 and answer.json()["changed"], answer.text
    number, eve = here.number("eve"), here.browser("eve")
    pages = [
        instructor.get(f"/learner/{number}{path}") for path in ("", "/03-push", f"/{BAD}", "/02-tag?observation=" + BAD)
    ]
    pages += [eve.get(path) for path in ("/me", "/me/03-push", f"/me/{BAD}", f"/join/{BAD}")]
    pages += [
        instructor.get(path)
        for path in (
            "/board?names=shown",
            f"/board?section={BAD}&names={BAD}",
            "/marks?names=shown",
            "/log?names=shown",
        )
    ]
    for page in pages:
        assert f"<script>{MARK}" not in page.text and "<img src=x" not in page.text, page.url
        assert page.status_code in (200, 404), page.url
    assert "{{7*7}}" in pages[1].text or MARK not in pages[1].text, "no template is run"


@attack(
    "files",
    "Formulas, full-width formulas and tabs in ids, names and addresses of a roster, then every file that the classroom makes",
    "no cell of any file begins with what a spreadsheet would run",
)
def test_formulas_in_every_file(here, instructor):
    evil = ["=1+1", "+1", "-1", "@SUM(1)", "＝1+1", "|calc", "%x", "\t=1", " =1", "'=1"]
    text = io.StringIO()
    csv.writer(text).writerows([["id", "name", "email"], *([f"{one}", one, one] for one in evil)])
    answer = instructor.post("/workshop/roster", files={"roster": ("r.csv", text.getvalue().encode(), "text/csv")})
    assert "learners added" in answer.text
    made = instructor.post("/workshop/links").text
    rows = list(csv.reader(io.StringIO(made.removeprefix("\ufeff"))))
    assert len(rows) > len(LEARNERS)
    for row in rows:
        for cell in row:
            assert not cell.strip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠", "|", "%")), row


@attack(
    "evidence",
    "Read another's marks, observation, messages and hand with one's own page, pass and browser",
    "only one's own come, whatever is asked for",
)
def test_nothing_of_another(here, instructor):
    here.observed("kim", "04-pull/right-by-digest", spread=13)
    kim = here.number("kim")
    assert instructor.post(f"/learner/{kim}/message", text="only for kim, lkprivate").status_code == 303
    here.browser("kim").post("/me/hand", said="lkprivate hand")
    digest = here.results("kim")[0].observation
    spy = here.browser("zoë")
    web = here.client(headers={"Authorization": f"Bearer {here.passes['zoë']}"})
    told = [spy.get(path) for path in ("/me", "/me/04-pull", f"/me/04-pull?observation={digest}&learner=kim&member={kim}",
            f"/learner/{kim}", f"/observation/{digest}", "/board/data", "/board/events", f"/me?member={kim}")]  # fmt: skip
    told += [web.get(path) for path in ("/api/me", "/api/me?learner=kim", "/me", f"/observation/{digest}", "/marks")]
    for answer in told:
        assert "lkprivate" not in answer.text and here.room.key.person("kim").username not in answer.text, answer.url
    assert web.get("/api/me").json()["learner"] == "zoë"
    replayed = here.post(here.passes["zoë"], instructor.get(f"/observation/{digest}").text)
    assert replayed.status_code == 409
