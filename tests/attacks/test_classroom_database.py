"""The classroom on a real PostgreSQL, which takes less than SQLite does and lets several write at once: odd characters, and two
at the same moment."""

import json
from collections import Counter
from datetime import timedelta
from urllib.parse import quote

import pytest
from classrooms import at_once, classroom
from postgres import running
from test_classroom_doors import FORM, ODD, _multipart
from test_classroom_evidence import as_of

from labkit.classroom.records import people
from labkit.seen.observation import seal

attack = pytest.mark.attack
PAIRS = 6
ROSTER = ("id,name\n" + "".join(f"{one}{at},X\n" for at in range(PAIRS) for one in ("victim", "thief"))).encode()


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with running() as postgres, classroom(tmp_path_factory.mktemp("rooms"), postgres.url, roster=ROSTER) as one:
        yield one


@attack(
    "evidence",
    "Hand in a copy in the same moment as the one whose lab it is, with a database that lets several write at once",
    "one of the two is taken, never both: what tells copies apart is looked at and written down by one at a time",
)
def test_a_copy_in_the_same_moment(here):
    passes = {one: here.token(people.DEVICE, one, lasting=timedelta(days=9))
              for at in range(PAIRS) for one in (f"victim{at}", f"thief{at}")}  # fmt: skip
    here.clock.ahead = timedelta(hours=1)
    texts = {}
    for at in range(PAIRS):
        seen = here.observation(f"victim{at}", spread=100 + at)
        data = as_of(here, seen, f"thief{at}")
        texts[f"victim{at}"], texts[f"thief{at}"] = seen.dump(), json.dumps({**data, "seal": seal(data)})
    webs = {one: here.client() for one in texts}
    for web in webs.values():
        assert web.get("/ca.pem").status_code == 200  # is connected
    for at in range(PAIRS):
        two = (f"victim{at}", f"thief{at}")
        told = at_once(
            lambda number, two=two: here.post(passes[two[number]], texts[two[number]], webs[two[number]]).status_code, 2
        )
        assert Counter(told) == {200: 1, 409: 1}, (at, told)
        assert sum(bool(here.results(one)) for one in two) == 1


@attack(
    "classroom",
    "Zero bytes, half characters, SQL and numbers beyond the database's in every address and form, with PostgreSQL",
    "404, 409 or the text as it is; the database is not said to be away",
)
def test_what_postgresql_cannot_hold(here):
    here.clock.ahead = timedelta()
    instructor, learner, number = here.browser("instructor"), here.browser("victim0"), here.number("victim0")
    here.observed("victim0", spread=500)
    for value in [*ODD, "\x00" * 9, str(2**31), str(2**63), "-1"]:
        odd = quote(value[:500].encode(errors="replace"))
        for path in (f"/learner/{number}/03-push?observation={odd}", f"/observation/{odd}", f"/board?section={odd}&names={odd}",
                     f"/log?before={odd}", f"/learner/{number}?exercise={odd}", f"/learner/{number}/{odd}", f"/join/{odd}"):  # fmt: skip
            assert instructor.get(path).status_code in (200, 404), (path, value)
        assert learner.get(f"/me/{odd}").status_code in (200, 404)
        assert here.client().get("/me", headers={"Cookie": f"__Host-labkit-classroom={odd}"}).status_code == 303
        for one, path, fields in (
            (learner, "/me/hand", {"said": value}),
            (instructor, "/message", {"text": value}),
            (instructor, "/workshop/assistant", {"name": value, "section": value}),
            (instructor, f"/learner/{number}/03-push/overrule", {"earned": "1", "reason": value}),
            (instructor, f"/learner/{number}/hint", {"hint": value}),
            (instructor, "/regrade", {"token": value}),
        ):
            body = _multipart({"csrf": one.csrf(), **fields})
            assert one.web.post(path, content=body, headers=FORM).status_code in (200, 303, 409), (path, value)
        answer = here.client().post("/sign-in", content=_multipart({"ident": value, "code": value}), headers=FORM)
        assert answer.status_code in (403, 429)
    for huge in (2**31, 2**63, 10**30):
        assert instructor.get(f"/learner/{huge}").status_code == 404
