"""What JupyterLab's panel and a classroom say to each other, over real HTTPS: messages, hints, the raised hand."""

from dataclasses import replace

import pytest
from classrooms import EXERCISES, classroom
from test_classroom_labs import until
from test_page import Quiet, Reader, seen
from world import World

from labkit import paths, talking
from labkit.classroom.app import jupyterlab
from labkit.classroom.records import people
from labkit.errors import LabError
from labkit.jupyter.pages import Pages
from labkit.view import render
from labkit.view.render import Help, Said


@pytest.fixture
def here(tmp_path):
    with classroom(tmp_path / "rooms") as one:
        yield one


@pytest.fixture
def ada(here, tmp_path, monkeypatch):
    """The folder of ada's laptop, which has joined."""
    work = tmp_path / "ada"
    here.laptop(work, "ada")
    monkeypatch.setenv("LABKIT_WORK", str(work))
    return work


class Heard:
    """Who listens, and the newest that was heard."""

    def __init__(self):
        self.all = []
        self.line = talking.Line(paths.home(), self.all.append)

    @property
    def now(self):
        return self.all[-1] if self.all else Help()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.line.end()


@pytest.fixture
def shared(ada):
    """The panel's pages in JupyterLab."""
    made = Pages(Quiet, grace=0.05)
    yield made
    made._end()


def test_messages_hints_and_the_hand(here, ada):
    instructor, number = here.browser("instructor"), here.number("ada")
    with Heard() as heard:
        until(lambda: heard.now.there)
        assert (heard.now.hand, heard.now.messages) == ("", ())
        assert heard.now.taught == EXERCISES
        instructor.post(f"/learner/{number}/message", text="Look at\nthe name")
        until(lambda: heard.now.messages)
        one = heard.now.messages[0]
        assert (one.by, one.text, one.to_all) == ("instructor", "Look at\nthe name", False)
        instructor.post("/message", text="Five more minutes")
        assert until(lambda: heard.now.after(one.number))[0].to_all
        instructor.post(f"/learner/{here.number('grace')}/message", text="for grace alone")
        instructor.post(f"/learner/{number}/hint", hint="01-login/" + _first_check() + "/1")
        until(lambda: len(heard.now.messages) == 3)
        assert heard.now.messages[0].text.startswith("Hint 1 of")
        assert "grace" not in str(heard.all)
        talking.say(talking.place(paths.home()), True, "Why <b>denied</b>?")
        until(lambda: heard.now.hand)
        assert heard.now.said == "Why <b>denied</b>?"
        assert "Why &lt;b&gt;denied&lt;/b&gt;?" in instructor.get("/board?names=shown").text
        instructor.post(f"/learner/{number}/lower")
        until(lambda: not heard.now.hand)
        talking.say(talking.place(paths.home()), True)
        talking.say(talking.place(paths.home()), False)
        assert "No hand is raised" in instructor.get("/board").text
        with pytest.raises(LabError, match="at most 500"):
            talking.say(talking.place(paths.home()), True, "x" * 501)


def _first_check():
    from labkit.content import exercises

    return exercises.load("01-login").checks[0].id


def test_who_asks_to_see_the_terminal_is_heard(here, ada):
    with Heard() as heard:
        until(lambda: heard.now.there)
        here.browser("instructor").post(f"/learner/{here.number('ada')}/terminal")
        until(lambda: heard.now.asked == ("instructor",))
        assert heard.now.page == f"{here.room.address}/me"


@pytest.mark.attack(
    "identity",
    "JupyterLab's pass after the learner was signed out everywhere, and the one of a JupyterLab before; for results, for another",
    "401 for what has ended, also for a stream that is open; a pass of JupyterLab hands in nothing",
)
def test_a_pass_ends(here, monkeypatch, tmp_path):
    monkeypatch.setenv("LABKIT_WORK", str(tmp_path / "nobody"))

    def issued():
        with here.room.database.writing() as session:
            workshop = here.room.workshop(session)
            member = people.by_ident(session, workshop, "ada")
            return jupyterlab.issue_pass(session, here.room, workshop, member)

    first, second = issued(), issued()
    web = here.client()
    for token, status in ((first, 401), (second, 200)):
        answer = web.post("/api/hand", json={"up": True}, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status
    assert here.post(second, here.observation("ada").dump()).status_code == 401, "it hands in nothing"
    assert web.post("/api/hand", json={"up": True, "learner": "grace"}, headers=_bearer(second)).status_code == 400
    there = talking.Place(here.room.address, second, here.room.ca.decode())
    monkeypatch.setenv(*talking.variables(there).popitem())
    monkeypatch.setattr(talking, "AGAIN", 0.05)
    instructor = here.browser("instructor")
    with Heard() as heard:
        until(lambda: heard.now.hand)
        instructor.post(f"/learner/{here.number('ada')}/sign-out")
        until(lambda: "does not know this JupyterLab" in heard.now.away)
        instructor.post(f"/learner/{here.number('ada')}/message", text="after that")
        assert heard.now.messages == (), "nothing comes any more"
    with pytest.raises(LabError, match="open JupyterLab from My page again"):
        talking.say(there, False)


def _bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.fault(
    "The classroom goes away while a learner works in JupyterLab",
    "the panel says that nothing new comes and goes on with what is there; once the classroom is back, what was said meanwhile comes",
)
def test_a_classroom_that_is_away(tmp_path, monkeypatch):
    monkeypatch.setattr(talking, "AGAIN", 0.05)
    monkeypatch.setattr(talking, "SELDOM", 0.2)
    monkeypatch.setenv("LABKIT_WORK", str(tmp_path / "ada"))
    with classroom(tmp_path / "rooms") as here:
        here.laptop(tmp_path / "ada", "ada")
        port = int(here.room.address.rpartition(":")[2])
        heard = Heard()
        here.browser("instructor").post("/message", text="Before")
        until(lambda: heard.now.messages)
    try:
        until(lambda: "does not answer" in heard.now.away)
        assert heard.now.messages[0].text == "Before"
        with classroom(tmp_path / "rooms", port=port) as again:
            again.browser("instructor").post("/message", text="After")
            until(lambda: [one.text for one in heard.now.messages] == ["After", "Before"] and not heard.now.away)
    finally:
        heard.line.end()


def test_no_classroom(tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_WORK", str(tmp_path))
    assert talking.place(paths.home()) is None
    (tmp_path / ".labkit/classroom").mkdir(parents=True)
    (tmp_path / ".labkit/classroom/joined.json").write_text("{")
    assert talking.place(paths.home()) is None, "damaged"
    monkeypatch.setenv(talking.VARIABLE, '{"address": "https://127.0.0.1:1", "token": "t", "ca": "no certificate"}')
    with pytest.raises(LabError, match="certificate is damaged"):
        talking.say(talking.place(paths.home()), True)


# ── the panel ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_panel_shows_what_the_classroom_says_and_reads_it_out(here, ada, shared):
    instructor = here.browser("instructor")
    instructor.post("/message", text="<b>First</b>")
    reader = Reader(shared, seen(World(), ada))
    assert reader.told[0]["labels"]["help"] == "Help from your instructor"
    assert "help" in reader.told[0]["shown"]
    part = until(lambda: "First" in reader.parts["help"] and reader.parts["help"])
    assert "&lt;b&gt;First" in part and "Raise my hand" in part
    spoken = [message["say"] for message in reader.told if "say" in message]
    assert spoken == [], "what is there already is not read out"
    instructor.post("/message", text="Second")
    until(lambda: any(message.get("say") == "Message from instructor: Second" for message in reader.told))
    until(lambda: "Second" in reader.parts["help"])
    newest = shared.help.messages[0].number
    shared.click("03-push", {"do": "read", "arg": str(newest)})
    until(lambda: "Messages of your instructor: 2" in reader.parts["help"])
    assert "I have read" not in reader.parts["help"]
    assert talking.read(paths.home()) == newest
    shared.click("03-push", {"do": "hand", "arg": "", "text": "It says denied"})
    until(lambda: "Your hand is raised" in reader.parts["help"] and "It says denied" in reader.parts["help"])
    assert any(message.get("say", "").startswith("Your hand is raised.") for message in reader.told)
    assert "It says denied" in instructor.get("/board?names=shown").text
    shared.click("03-push", {"do": "lower", "arg": ""})
    until(lambda: "Raise my hand" in reader.parts["help"])
    reader.leave()
    until(lambda: shared.watch is None and shared._line is None)


def test_a_click_that_the_classroom_refuses_is_told(here, ada, shared):
    reader = Reader(shared, seen(World(), ada))
    until(lambda: "Raise my hand" in reader.parts["help"])
    shared.click("03-push", {"do": "hand", "arg": "", "text": "x" * 501})
    until(lambda: "at most 500 are kept" in reader.parts["notice"])
    reader.leave()


def test_without_a_classroom_the_panel_has_no_such_part(tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_WORK", str(tmp_path))
    shared = Pages(Quiet, grace=0.05)
    reader = Reader(shared, seen(World(), tmp_path))
    assert reader.parts["help"] == "", "an empty part is not shown"
    shared.click("03-push", {"do": "hand", "arg": "", "text": ""})
    until(lambda: "belongs to no classroom" in reader.parts["notice"])
    reader.leave()


def test_what_is_shown_open_and_what_is_put_away():
    said = tuple(Said(number, "12:00", "Tim", f"text {number}") for number in (5, 4, 3, 2, 1))
    view = render.View(shown=("help",), help=Help(there=True, messages=said), read=1)
    assert [one.number for one in view.unread] == [5, 4, 3]
    assert [one.number for one in view.earlier] == [2, 1]
    html = render.parts(view)["help"]
    assert 'data-arg="5"' in html and "I have read them" in html and "Messages of your instructor: 2" in html
    assert render.parts(replace(view, help=replace(view.help, away="it broke")))["help"].count("Nothing new comes") == 1
    assert render.parts(view, live=False)["help"] == "", "a copy has nothing to click"
