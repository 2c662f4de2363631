"""Being somebody else: by an id that looks alike, by a name that two have, by a link that two open, by an address that is made up."""

import csv
import io
import re
import unicodedata
from collections import Counter
from datetime import timedelta

import pytest
from classrooms import at_once, classroom
from hypothesis import given
from hypothesis import strategies as some

from labkit.classroom.app.hub import Hub, issue_pass
from labkit.classroom.broker import naming as labs
from labkit.classroom.broker.broker import Broker, Settings
from labkit.classroom.hub import naming, users
from labkit.classroom.records import people
from labkit.classroom.rules import entries
from labkit.errors import LabError
from labkit.lab.owner import workshop

attack = pytest.mark.attack
REALM = naming.realm("a key")
SYSTEM = [
    "root",
    "daemon",
    "www-data",
    "nobody",
    "admin",
    "instructor",
    "-rf",
    "--",
    "..",
    ".",
    "../../root",
    "lab-x",
    "a" * 200,
]
ALIKE = {
    "case": ("ada", "ADA", "Ada", "aDa"),
    "width": ("ａｄａ", "ＡＤＡ"),
    "forms of an accent": ("zoë", "zoe\u0308", "ZOË"),
    "spaces and marks around": (" ada ", "ada\u00a0", "\u202eada", "ada\u200b", "\ufeffada", "ada\u2800", "ada\U0001d159", "ada\ufe0f"),
    "ligatures": ("ﬁn", "fin", "FIN"),
    "ß": ("groß", "GROSS", "gross"),
}  # fmt: skip


@attack(
    "identity",
    "Ids that differ in case, width, form of an accent, ligature, or in marks and spaces that nobody sees, on one roster and in the "
    "form of the room's code",
    "one learner: the first one counts; nobody comes in beside somebody who is there",
)
def test_ids_that_look_alike_are_one(tmp_path):
    groups = [ALIKE["case"] + ALIKE["width"] + ALIKE["spaces and marks around"],
              *(ALIKE[one] for one in ("forms of an accent", "ligatures", "ß"))]  # fmt: skip
    for group in groups:
        assert len({entries.same(one) for one in group}) == 1, group
        assert all(entries.same(entries.same(one)) == entries.same(one) for one in group)
    text = io.StringIO()
    csv.writer(text).writerows(
        [["id", "name"], *([one, f"Nr {at}"] for group in groups for at, one in enumerate(group))]
    )
    with classroom(tmp_path / "rooms", roster=text.getvalue().encode()) as here:
        with here.room.database.reading() as session:
            there = people.learners(session, here.room.workshop(session))
            assert len(there) == len(groups) and {one.name for one in there} == {"Nr 0"}
        web = here.client()
        assert web.post("/sign-in", data={"ident": "ＡＤＡ\u200b", "code": here.opened.code}).status_code == 303
        for one in groups[0]:
            answer = here.client().post("/sign-in", data={"ident": one, "code": here.opened.code})
            assert answer.status_code == 403 and "signed in with this id already" in answer.text, one
        assert web.get("/me").status_code == 200
        renamed = b"id,name\nADA,Mallory\n"
        instructor = here.browser("instructor")
        assert "1 changed" in instructor.post("/workshop/roster", files={"roster": ("r.csv", renamed, "text/csv")}).text
        assert here.number("ada") == here.number("ADA"), "a new name is the same learner, with the same lab and marks"
        with here.room.database.reading() as session:
            assert people.by_ident(session, here.room.workshop(session), "ADA").ident == "ada"


idents = some.one_of(
    some.sampled_from([*SYSTEM, *(one for group in ALIKE.values() for one in group)]),
    some.text(min_size=1, max_size=200),
)


@attack(
    "identity",
    "Ids that are names of the system's users, options, paths, 200 characters long, or of any letters, as names of labs and users",
    "small letters, digits and hyphens behind a word of ours; two ids are never the same lab or user",
)
@given(idents, idents)
def test_two_ids_are_never_one_lab_or_user(one, other):
    one, other = entries.clean(one), entries.clean(other)
    for made in (lambda x: labs.lab("spring", x), lambda x: naming.learner(REALM, x), lambda x: naming.staff(REALM, x)):
        assert re.fullmatch(r"(spring|lab|staff)-[a-z0-9][a-z0-9-]*-[0-9a-f]{12}", made(one))
        assert (made(one) == made(other)) == (one == other)
        assert unicodedata.normalize("NFKC", made(one)) == made(one)
    assert naming.learner(REALM, one) != naming.staff(REALM, one) and one not in (naming.learner(REALM, one),)


def test_no_user_of_the_system_is_taken(tmp_path):
    for name in ("root", "daemon", "www-data"):
        with pytest.raises(LabError, match="not one of the classroom's"):
            users.ensure(name, REALM, tmp_path)
    assert not list(tmp_path.iterdir())


@attack(
    "identity",
    "Choose an id whose lab and user are called as another learner's (a collision of the hash: here made short, so that there is one)",
    "refused and logged: no lab, no system user and no home is shared",
)
def test_names_that_collide_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(labs, "DIGITS", 1)
    monkeypatch.setattr(naming, "DIGITS", 1)
    first = "ada 1"

    def called(one):
        return labs.lab("spring", one)[-1], naming.learner(REALM, one)[-1]

    other = next(f"ada {at:04}" for at in range(2, 5000) if called(f"ada {at:04}") == called(first))
    monkeypatch.setattr(labs, "STEM", 3)
    monkeypatch.setattr(naming, "STEM", 3)
    assert labs.lab("spring", first) == labs.lab("spring", other) and first != other
    key = tmp_path / "spring.key"
    workshop.new(key, "spring")

    class Engine:
        """One that is never asked: the names are looked at before."""

        url = "unix:///nowhere"

    broker = Broker(Engine(), Settings("spring", tmp_path / "labs", key))
    broker.touch(first)
    for work in (broker.start, broker.observe, broker.reset, broker.stop, broker.remove, broker.touch, broker.status):
        with pytest.raises(LabError, match="as another learner's is"):
            work(other)
    with pytest.raises(LabError, match="as another learner's is"):
        broker.access(other, tmp_path / "access")
    with pytest.raises(LabError, match="as another learner's is"):
        broker.session(other, "workstation", ["sh"])

    def before(opened):
        room = opened.room
        room.hub, room.jupyter = Hub(8444, "http://127.0.0.1:9/hub/api", REALM, "service"), lambda _: "/jupyter"
        with room.database.writing() as session:
            tokens.append(issue_pass(session, room, room.workshop(session)))

    tokens = []
    roster = f"id,name\n{first},One\n{other},Other\n".encode()
    with classroom(tmp_path / "rooms", roster=roster, before=before) as here:
        head = {"Authorization": f"Bearer {tokens[0]}"}
        for ident in (first, other):
            place = here.browser(ident).get("/jupyter/pass?state=s").headers["location"]
            code = re.search(r"code=([^&]+)", place)[1]
            assert here.client().post("/api/hub/sign-in", json={"code": code}, headers=head).status_code == 403
        name = {"name": naming.learner(REALM, first)}
        assert here.client().post("/api/hub/may", json=name, headers=head).status_code == 403
        assert "two would be one user" in here.browser("instructor").get("/log").text


@attack(
    "identity",
    "Open one link in twenty browsers at the same moment, an expired one, one from before a newer, one of somebody who was signed out; "
    "the room's code for one id twenty times at once",
    "one comes in; the others are refused and logged",
)
def test_a_link_and_a_code_let_in_one(tmp_path):
    with classroom(tmp_path / "rooms", roster=b"id,name\nada,A\ngrace,G\nli,L\n") as here:
        instructor, token = here.browser("instructor"), here.token(people.LINK, "ada")
        webs = [here.client(headers={"Sec-Fetch-Site": "same-origin"}) for _ in range(20)]
        told = at_once(lambda at: webs[at].post(f"/join/{token}").status_code, 20)
        assert Counter(told) == {303: 1, 403: 19}
        asked = {"ident": "grace", "code": here.opened.code}
        told = at_once(lambda at: webs[at].post("/sign-in", data=asked).status_code, 20)
        told = [one for one in told if one != 403]
        assert told == [303], told
        number = here.number("li")
        made = [re.search(r"/join/([\w-]+)", instructor.post(f"/learner/{number}/link").text)[1] for _ in range(2)]
        assert here.client().post(f"/join/{made[0]}").status_code == 403, "a newer one ends the older"
        instructor.post(f"/learner/{number}/sign-out")
        assert here.client().post(f"/join/{made[1]}").status_code == 403, "so does signing out everywhere"
        late = here.token(people.LINK, "li")
        here.clock.ahead = timedelta(days=8)
        assert here.client().post(f"/join/{late}").status_code == 403
        assert here.client().get(f"/join/{late}").status_code == 200, "looking at it says nothing"


@attack(
    "identity",
    "Guess codes with another made-up address in each request (X-Forwarded-For, Forwarded, X-Real-IP), by several doors at once",
    "the address of the connection counts; after 60 wrong codes it waits, at every door",
)
def test_made_up_addresses_do_not_help(tmp_path, monkeypatch):
    monkeypatch.setattr(people, "TRIES", 10)
    with classroom(tmp_path / "rooms", roster=b"id,name\nada,A\n") as here:
        web = here.client()
        told = []
        for at in range(14):
            made_up = f"10.{at}.0.1"
            head = {
                "X-Forwarded-For": made_up,
                "Forwarded": f"for={made_up}",
                "X-Real-IP": made_up,
                "X-Forwarded-Proto": "http",
            }
            told.append(web.post("/sign-in", data={"ident": "ada", "code": f"wrong{at}"}, headers=head).status_code)
        assert Counter(told) == {403: 10, 429: 4}
        assert {one.address for one in here.log(people.WRONG_CODE)} == {"127.0.0.1"}
        right = {"ident": "ada", "code": here.opened.code}
        assert web.post("/sign-in", data=right, headers={"X-Forwarded-For": "10.9.9.9"}).status_code == 429


@attack(
    "identity",
    "Take over a session: a cookie that is given before signing in, another's that was ended, one for a longer path, two of one name",
    "signing in makes a new one; what was ended or made up opens nothing; it is Secure, HttpOnly and for this host alone",
)
def test_a_session_is_made_by_signing_in(tmp_path):
    from labkit.classroom.app.security import COOKIE

    with classroom(tmp_path / "rooms", roster=b"id,name\nada,A\ngrace,G\n") as here:
        victim = here.client(headers={"Sec-Fetch-Site": "same-origin"})
        fixed = "f" * 32
        answer = victim.post(f"/join/{here.token(people.LINK, 'ada')}", headers={"Cookie": f"{COOKIE}={fixed}"})
        cookie = answer.headers["set-cookie"]
        parts = {one.strip().lower() for one in cookie.split(";")[1:]}
        assert answer.status_code == 303 and fixed not in cookie
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= parts and not any(
            one.startswith("domain") for one in parts
        )
        own = re.match(f"{COOKIE}=([^;]+)", cookie)[1]
        other = here.browser("grace").token()

        def page(*cookies):
            head = {"Cookie": "; ".join(cookies).encode()}
            return here.client().get("/me", headers=head)

        assert page(f"{COOKIE}={fixed}").status_code == 303
        for odd in (own[:-1], own + "x", own.upper(), "", '"' + own, "x" * 5000, "\u00e9"):
            assert page(f"{COOKIE}={odd}").status_code == 303, odd
        assert page(f"labkit-classroom={own}", f"__host-labkit-classroom={own}").status_code == 303, "by no other name"
        two = page(f"{COOKIE}={own}", f"{COOKIE}={other}").status_code
        assert two in (200, 303)
        link = here.token(people.LINK, "grace")
        for kind in (people.LINK, people.DEVICE, people.CODE):
            token = link if kind == people.LINK else here.token(kind, "ada")
            assert page(f"{COOKIE}={token}").status_code == 303, "no other pass is a session"
