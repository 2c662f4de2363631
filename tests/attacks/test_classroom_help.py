"""What a learner does to their own lab and terminal so that the classroom has no time for anybody else, and help that ends."""

import json
import threading
import time

import pytest
from classrooms import at_once, classroom
from test_classroom_labs import Labs, at_a_terminal, closed, printed, socket, told, until

from labkit.classroom.app import terminals

attack = pytest.mark.attack
ROSTER = b"id,name,section\nada,Ada,A\ngrace,Grace,B\nli,Li,A\n"


class Hanging(Labs):
    """Ada has stopped her engine: whoever looks at her lab waits until `go`."""

    def __init__(self, room):
        super().__init__(room)
        self.go, self.looks = threading.Event(), 0

    def observe(self, learner, wanted=(), said=None):
        if learner == "ada":
            self.looks += 1
            self.go.wait(40)
        return super().observe(learner, wanted, said)

    def session(self, learner, machine, command, terminal=None):
        if learner == "ada":
            self.looks += 1
            self.go.wait(40)
        return super().session(learner, machine, command, terminal)


@attack(
    "classroom",
    "A learner stops the engine of their own lab, and asks sixty times at once to have the lab looked at",
    "one look, and one that waits for it; others are served meanwhile",
)
def test_a_lab_that_hangs_keeps_nobody_waiting(tmp_path):
    with classroom(tmp_path / "rooms", labs=Hanging, roster=ROSTER) as here:
        ada, grace, board = here.browser("ada"), here.browser("grace"), here.browser("instructor")
        until(lambda: len(here.room.labs.there) == 2)
        csrf = ada.csrf()
        webs = [here.client(headers={"Sec-Fetch-Site": "same-origin"}) for _ in range(60)]
        for web in webs:
            web.cookies.update(ada.web.cookies)
        found = []
        senders = threading.Thread(
            target=lambda: found.extend(
                at_once(lambda at: webs[at].post("/me/lab/look", data={"csrf": csrf}).status_code, 60)
            )
        )
        senders.start()
        try:
            until(lambda: here.room.labs.looks)
            grace.web.timeout = board.web.timeout = 5
            for _ in range(5):
                assert grace.get("/me").status_code == board.get("/board").status_code == 200
            assert grace.post("/me/lab/look").status_code == 303, "another's lab is looked at meanwhile"
            number = here.number("ada")
            until(lambda: board.post(f"/learner/{number}/look").status_code == 409)
            assert here.room.labs.looks == 1
        finally:
            here.room.labs.go.set()
            senders.join(60)
        assert set(found) == {303, 409} and found.count(303) <= 2, "one looks, and one may wait for it"
        assert ada.post("/me/lab/look").status_code == 303, "and later again"


@attack(
    "classroom",
    "A learner freezes a machine of their own lab, and opens a terminal there sixty times at once",
    "one is opened, the others are told so; others are served meanwhile",
)
def test_a_machine_that_hangs_keeps_nobody_waiting(tmp_path):
    with classroom(tmp_path / "rooms", labs=Hanging, roster=ROSTER) as here:
        ada, grace = here.browser("ada"), here.browser("grace")
        until(lambda: here.room.desk.shown("ada").up and here.room.desk.shown("grace").up)
        form, found = {"csrf": ada.csrf(), "machine": "workstation"}, []
        webs = [here.client(headers={"Sec-Fetch-Site": "same-origin"}) for _ in range(60)]
        for web in webs:
            web.cookies.update(ada.web.cookies)
        senders = threading.Thread(
            target=lambda: found.extend(at_once(lambda at: webs[at].post("/me/terminal", data=form).status_code, 60))
        )
        senders.start()
        try:
            until(lambda: here.room.labs.looks)
            grace.web.timeout = 5
            assert {grace.get("/me").status_code for _ in range(5)} == {200}
            assert grace.post("/me/terminal", machine="workstation").status_code == 303
            assert here.room.labs.looks == 1
        finally:
            here.room.labs.go.set()
            senders.join(60)
        assert set(found) <= {303, 409} and here.room.labs.looks == 1


@pytest.fixture
def here(tmp_path):
    with classroom(tmp_path / "rooms", labs=Labs, roster=ROSTER) as one:
        yield one


@pytest.fixture
def ada(here):
    return at_a_terminal(here)


@attack(
    "classroom",
    "Sizes of a terminal that are endless, not numbers, or nested 30,000 deep, and a message of more than 64 kB",
    "they are left alone, and the terminal goes on; what is too long ends that page's connection",
)
def test_what_a_terminal_is_told(here, ada):
    with socket(here, "/me/terminal/socket", ada.token()) as own:
        assert told(own)["may"] == 2
        deep = "[" * 30_000
        for text in (
            '{"rows": 1e400, "columns": 80}',
            '{"rows": NaN, "columns": 80}',
            '{"rows": -Infinity, "columns": 80}',
            '{"rows": 9223372036854775808, "columns": 80}',
            '{"rows": ' + "9" * 5000 + ', "columns": 80}',
            '{"rows": "x", "columns": null}',
            deep,
            '{"rows": ' + deep,
            "null",
            "\x00",
            "",
        ):
            own.send(text)
        own.send_binary(b"still here")
        printed(own, b"still here")
        assert here.room.labs.sessions["ada"].sizes == []
        own.send(json.dumps({"rows": 30, "columns": 100}))
        until(lambda: here.room.labs.sessions["ada"].sizes == [(30, 100)])
        own.send_binary(b"x" * 70_000)
        assert closed(own) in (1009, terminals.ENDED)
    assert ada.get("/me").status_code == 200


@attack(
    "identity",
    "Go on watching and typing in a learner's terminal after one's section was changed, or the learner's was",
    "the connection is cut within seconds; pages, streams, marks and links of that learner are as if they were not there",
)
def test_help_ends_with_the_section(here, ada):
    board, number = here.browser("instructor"), here.number("ada")
    board.post("/workshop/assistant", name="Tim", section="A")
    tim = here.browser("Tim")
    assert tim.post(f"/learner/{number}/terminal").status_code == 303
    assert [ada.post("/me/terminal/allow", who="Tim", may=may).status_code for may in ("type", "watch", "type")] == [
        409,
        303,
        303,
    ], "to watch first"
    with (
        socket(here, "/me/terminal/socket", ada.token()),
        socket(here, f"/learner/{number}/terminal/socket", tim.token()) as watching,
        tim.web.stream("GET", f"/learner/{number}/events") as panel,
        tim.web.stream("GET", f"/learner/{number}/terminal/events") as waiting,
    ):
        assert told(watching)["may"] == 2
        moved = b"id,name,section\nada,Ada,B\ngrace,Grace,B\nli,Li,A\n"
        assert "1 changed" in board.post("/workshop/roster", files={"roster": ("r.csv", moved, "text/csv")}).text
        begun = time.monotonic()
        assert closed(watching) == terminals.REFUSED
        here.room.woken(number)
        assert list(panel.iter_lines()) is not None and list(waiting.iter_lines()) is not None, "both end"
        assert time.monotonic() - begun < 15
    for path in ("", "/03-push", "/terminal", "/events", "/terminal/events"):
        assert tim.get(f"/learner/{number}{path}").status_code == 404, path
    for path, fields in (
        ("/look", {}), ("/lab", {"do": "stop"}), ("/lab", {"do": "reset"}), ("/link", {}), ("/sign-out", {}),
        ("/message", {"text": "x"}), ("/hint", {"hint": "03-push/pushed/1"}), ("/lower", {}), ("/terminal", {}),
        ("/03-push/overrule", {"earned": "1", "reason": "x"}), ("/03-push/reflection", {"number": "1"}),
    ):  # fmt: skip
        assert tim.post(f"/learner/{number}{path}", **fields).status_code == 404, path
    assert here.room.labs.status("ada").state.value == "up"
    assert "Ada" not in "".join(tim.get(f"/marks/export/{kind}").text for kind in ("csv", "json", "junit", "html"))
    assert "Ada" not in tim.get("/board?names=shown&section=B").text + tim.get("/marks").text


@attack(
    "identity",
    "An assistant makes themselves instructor, or another assistant: by forms, names and links",
    "403; only an instructor invites, and a role is no field of any form",
)
def test_an_assistant_stays_one(here):
    board = here.browser("instructor")
    board.post("/workshop/assistant", name="Tim", section="A")
    tim = here.browser("Tim")
    for path in ("/workshop/assistant", "/workshop/settings", "/workshop/roster", "/workshop/code", "/workshop/links",
                 "/workshop/try", "/workshop/certificate", "/regrade", "/marks/export/nbgrader"):  # fmt: skip
        assert tim.post(path, name="Tim", role="instructor", section="").status_code == 403, path
    for path in ("/workshop", "/log", "/regrade"):
        assert tim.get(path).status_code == 403, path
    made = board.post("/workshop/assistant", name="ＩＮＳＴＲＵＣＴＯＲ", section="A", role="instructor")
    assert made.status_code == 200 and tim.get("/board/data").json()["learners"] == 2
    board.post("/workshop/assistant", name="Bob\u200b", section="\u200b A\u202e", role="instructor", ident="Tim")
    bob = here.browser("Bob")
    assert bob.get("/board/data").json()["learners"] == 2, "marks that nobody sees are no part of a section"
    assert bob.get("/workshop").status_code == 403
