"""The pages of the panel: showing writes nothing, what was done is kept once, one watch for all, and a command's steps are values."""

import asyncio
import json
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
from test_sight import lab
from world import World, solved

from labkit.content import exercises
from labkit.jupyter import commands, extension, page, pages
from labkit.jupyter.extension import Mailbox
from labkit.jupyter.pages import Pages
from labkit.lab.looking.sight import Sight, state_of
from labkit.work import answers, attempts


class Quiet:
    """A watch that tells what a test has it tell."""

    def __init__(self):
        self.last, self.woken, self.stopped, self.tells = None, 0, threading.Event(), []

    def listen(self, tell):
        self.tells.append(tell)

    def forget(self, tell):
        self.tells.remove(tell)

    def wake(self):
        self.woken += 1

    def stop(self):
        self.stopped.set()


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """Pages with a watch that is quiet, and the learner's folder in `tmp_path`."""
    monkeypatch.setenv("LABKIT_WORK", str(tmp_path))
    made = []
    yield Pages(lambda: made.append(Quiet()) or made[-1], grace=0.05)


def seen(world, work):
    return state_of(lab(work=work), world.observation)


class Reader:
    """Someone who looks at a page: what they have been told."""

    def __init__(self, shared, sight=None, key="03-push"):
        self.told, self.parts = [], {}
        self.shared, self.key = shared, key
        shared.open(key, self)
        if sight:
            shared.watch.last = sight
            shared.tell(sight)

    def __call__(self, message):
        self.told.append(message)
        self.parts |= message.get("parts", {})

    def leave(self):
        self.shared.close(self.key, self)


def kept(work):
    return [record["kind"] for record in attempts.read(work)[0]]


def test_showing_writes_nothing_and_what_was_done_is_kept_once(shared, tmp_path):
    before, after = seen(World(), tmp_path), seen(solved(), tmp_path)
    reader = Reader(shared, before)
    assert reader.told[0]["shown"][0] == "notice"
    assert "0 of 4 points" in reader.parts["checks"]
    shared.show(after)
    assert "4 of 4 points" in reader.parts["checks"]
    assert kept(tmp_path) == ["opened"]
    shared.tell(after)
    shared.tell(after)
    assert kept(tmp_path) == ["opened", "attempt"]
    assert attempts.ever_done(attempts.read(tmp_path)[0], "03-push")


def test_what_did_not_change_is_not_told_again(shared, tmp_path):
    sight = seen(World(), tmp_path)
    reader = Reader(shared, sight)
    told = len(reader.told)
    shared.show(sight)
    assert len(reader.told) == told


def test_keeping_does_not_hold_up_the_showing(shared, monkeypatch, tmp_path):
    Reader(shared, seen(World(), tmp_path))
    free = []

    def keep(*_):
        other = threading.Thread(target=lambda: free.append(shared._lock.acquire(timeout=5)))
        other.start()
        other.join()

    monkeypatch.setattr(attempts, "keep_attempt", keep)
    shared.tell(seen(solved(), tmp_path))
    assert free == [True]


def test_a_page_opened_on_what_is_done_keeps_no_attempt(shared, tmp_path):
    Reader(shared, seen(solved(), tmp_path))
    shared.tell(seen(solved(), tmp_path))
    assert kept(tmp_path) == ["opened"]


def test_an_attempt_that_cannot_be_kept_is_told_and_the_watch_goes_on(shared, tmp_path):
    reader = Reader(shared, seen(World(), tmp_path))
    (tmp_path / attempts.FILE).unlink()
    (tmp_path / attempts.FILE).mkdir()
    shared.tell(seen(solved(), tmp_path))
    assert attempts.FILE.removesuffix(".jsonl") in reader.parts["notice"]
    assert "4 of 4 points" in reader.parts["checks"]


def test_one_watch_for_all_and_none_where_nobody_looks(shared, tmp_path):
    readers = [Reader(shared, key=key) for key in ("start", "01-login", "03-push")]
    watch = shared.watch
    assert len(watch.tells) == 1
    for reader in readers[1:]:
        reader.leave()
    assert not watch.stopped.wait(0.2)
    readers[0].leave()
    again = Reader(shared)  # within the grace, as from one lesson to the next
    assert not watch.stopped.wait(0.2)
    assert shared.watch is watch
    again.leave()
    assert watch.stopped.wait(5)
    assert shared.watch is None
    assert watch.tells == []
    Reader(shared)
    assert shared.watch is not watch


def test_who_comes_later_sees_what_the_others_see(shared, tmp_path):
    first = Reader(shared, seen(World(), tmp_path))
    second = Reader(shared)
    assert second.parts == first.parts
    shared.tell(Sight("down", problem="The lab is not running."))
    assert "not running" in first.parts["notice"]
    assert "not running" in second.parts["notice"]


def test_the_steps_of_a_command_are_shown_as_they_come(shared, monkeypatch, tmp_path):
    reader = Reader(shared, seen(World(), tmp_path))
    notices = []

    def run(words, tell):
        assert words == ["up", "--detach", "--no-jupyter"]
        for number, text in enumerate(("starting 5 machines", "starting JupyterLab"), 1):
            tell(commands.Step(number, 3, text, 7.2))
            notices.append(reader.parts["notice"])
        return "It broke. → labkit doctor"

    monkeypatch.setattr(commands, "run", run)
    shared._page("03-push").act({"do": "start"})
    assert "starting 5 machines (7 s)" in notices[0]
    assert 'max="3" value="1"' in notices[0]
    assert 'value="2"' in notices[1]
    assert "It broke. → labkit doctor" in reader.parts["notice"]
    assert "progress" not in reader.parts["notice"]
    assert shared.watch.woken == 1


@pytest.mark.fault("*Start* is clicked in eight windows at once", "one command runs; the other clicks change nothing")
def test_clicks_at_once_start_one_command(shared, monkeypatch):
    ran, together, others = [], threading.Barrier(8), threading.Semaphore(0)

    def run(words, _tell):
        ran.append(words)
        assert all(others.acquire(timeout=5) for _ in range(7)), "the others are not held up"
        return ""

    def click():
        together.wait(5)
        shared.run("Starting the lab", ["up"])
        others.release()

    monkeypatch.setattr(commands, "run", run)
    threads = [threading.Thread(target=click) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(10)
    assert ran == [["up"]] and shared.work is None and shared.failed == ""


def test_extend_gives_the_lab_an_hour_from_now(shared, monkeypatch, tmp_path):
    ran = []
    monkeypatch.setattr(commands, "run", lambda words, _tell: ran.append(words) or "")
    sight = seen(World(), tmp_path)
    limited = replace(sight, lab=replace(sight.lab, plan=replace(sight.lab.plan, deadline=1_900_000_000.0)))
    reader = Reader(shared, limited)
    assert 'data-ends="1900000000.0"' in reader.parts["notice"]
    assert 'data-do="extend"' in reader.parts["notice"]
    shared._page("03-push").act({"do": "extend"})
    assert ran == [["up", "--detach", "--no-jupyter", "--time-limit=1h"]]


def test_a_guest_is_told_of_the_end_and_is_offered_nothing_that_is_the_owners(shared, monkeypatch, tmp_path):
    monkeypatch.setenv("LABKIT_GUEST", str(tmp_path))
    sight = seen(World(), tmp_path)
    limited = replace(sight, lab=replace(sight.lab, plan=replace(sight.lab.plan, deadline=1_900_000_000.0)))
    reader = Reader(shared, limited)
    assert "This lab ends in" in reader.parts["notice"]
    assert "data-do" not in reader.parts["notice"]
    shared.tell(Sight("down", problem="The lab is not running."))
    assert "Ask the lab's owner" in reader.parts["notice"]
    assert "data-do" not in reader.parts["notice"]
    assert "Docker Compose" not in reader.parts["notice"]


def test_each_check_is_answered_until_its_points_are_others(shared, monkeypatch, tmp_path):
    before, after = seen(World(), tmp_path), seen(solved(), tmp_path)
    reader = Reader(shared, before)
    monkeypatch.setattr(page.watch, "look", lambda: before)

    def graded(_names, tell):
        return page.grade([exercises.load("03-push")], before.observation)

    monkeypatch.setattr(page.session, "graded", graded)
    shared._page("03-push").act({"do": "check"})
    assert ": 0 of 4 points." in reader.parts["checks"]
    assert any("0 of 4 points." in message.get("say", "") for message in reader.told)
    shared.tell(after)
    assert ": 0 of 4 points." not in reader.parts["checks"]


def test_an_explanation_goes_when_its_advice_was_followed(shared, tmp_path):
    reader = Reader(shared, seen(World(), tmp_path))
    shared._page("03-push").act(
        {"do": "explain", "printed": ["", "unauthorized: authentication required", "older: denied"]}
    )
    assert "unauthorized: authentication required" in reader.parts["tools"]
    shared.tell(seen(solved(), tmp_path))
    assert "unauthorized" not in reader.parts["tools"]


def test_a_click_that_breaks_is_told(shared, monkeypatch, tmp_path):
    reader = Reader(shared, seen(World(), tmp_path))
    monkeypatch.setattr(page.compose, "explain", lambda *_: 1 / 0)
    shared._page("03-push").act({"do": "explain"})
    assert "ZeroDivisionError" in reader.parts["notice"]
    shared._page("03-push").act({"do": "no such click"})


# ── one reader ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_slow_reader_gets_the_newest_of_each_part_and_the_last_of_the_rest(monkeypatch):
    async def read():
        mailbox = Mailbox()
        mailbox.put({"shown": ["checks"], "labels": {}})
        for number in range(10_000):
            mailbox.put({"parts": {"checks": f"<p>{number}</p>"}})
            mailbox.put({"say": str(number)})
        await asyncio.sleep(0)
        first, second, *rest = await mailbox.take()
        assert first["shown"] == ["checks"]
        assert second == {"parts": {"checks": "<p>9999</p>"}}
        assert [one["say"] for one in rest] == [str(number) for number in range(10_000 - extension.MOST, 10_000)]
        monkeypatch.setattr(extension, "ALIVE", 0.01)
        assert await mailbox.take() == []
        mailbox.close()
        assert mailbox.closed
        return mailbox

    asyncio.run(read()).put({"say": "the server has ended"})


# ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_why_a_command_failed_is_told(monkeypatch, tmp_path):
    """The real command, which finds no engine."""
    monkeypatch.setenv("LABKIT_ENGINE", f"unix://{tmp_path}/nothing.sock")
    monkeypatch.setenv("LABKIT_COMMAND", "./lab")
    steps = []
    told = commands.run(["up", "--detach", "--no-jupyter"], steps.append)
    assert "No Docker Engine answers at" in told
    assert " → " in told
    assert "\n" not in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("printed", "code", "failure"),
    [
        ([json.dumps({"step": 1, "of": 2, "text": "[ 3 s] x", "seconds": 0.1})], 0, ""),
        (["one", "Traceback", "two", "[1, 2]", "KeyError: 3"], 1, "two [1, 2] KeyError: 3"),
        ([json.dumps({"error": "It broke.", "fix": ""}), "noise"], 2, "It broke."),
        ([], 7, "labkit up ended with exit status 7."),
    ],
)
def test_what_a_command_prints_is_read_as_values(tmp_path, monkeypatch, printed, code, failure):
    script = tmp_path / "labkit-stand-in"
    lines = "".join(f"print({line!r})\n" for line in printed)
    script.write_text(f"import sys\nassert sys.argv[-2:] == ['--progress', 'json']\n{lines}sys.exit({code})\n")
    real = commands.subprocess.Popen
    monkeypatch.setattr(
        commands.subprocess, "Popen", lambda words, **more: real([words[0], str(script), *words[4:]], **more)
    )
    steps = []
    assert commands.run(["up"], steps.append) == failure
    assert [step.text for step in steps] == (["[ 3 s] x"] if code == 0 else [])


def test_opening_an_exercise_starts_what_it_needs_beyond_the_standard_lab(shared, monkeypatch, tmp_path):
    ran = []
    monkeypatch.setattr(pages.commands, "run", lambda words, _tell: ran.append(words) or "")
    sight = seen(World(), tmp_path)
    Reader(shared, sight)
    needing = replace(exercises.load("02-tag"), extras=("registry",))
    monkeypatch.setattr(exercises, "load", lambda _slug: needing)
    Reader(shared, sight, key="02-tag")
    shared.pool.shutdown(wait=True)
    assert ran == [["up", "--detach", "--no-jupyter", "--with=registry"]]


def test_clicks_are_done_in_the_order_in_which_they_came(shared, tmp_path, monkeypatch):
    """What is typed is posted at each pause: the newest text is the one that stays, though an earlier one took longer."""
    reader = Reader(shared, seen(World(), tmp_path), "06-practice")
    first, done = threading.Event(), []

    def slow(_work, _slug, given):
        if not done:
            first.wait(10)
        done.append(given["reflection"])

    monkeypatch.setattr(answers, "save", slow)
    for text in ("a", "a registry", "a registry keeps"):
        shared.click(reader.key, {"do": "reflect", "text": text})
    first.set()
    shared._clicks.shutdown(wait=True)
    assert done == ["a", "a registry", "a registry keeps"]


def test_cells_are_told_of_a_panel_beside_them_only_where_there_can_be_one():
    from jupyterlab.labapp import LabApp

    from labkit.jupyter.extension import _shows_beside

    assert _shows_beside(SimpleNamespace(starter_app=LabApp))
    assert _shows_beside(SimpleNamespace(starter_app=None))
    assert not _shows_beside(SimpleNamespace(starter_app=SimpleNamespace(name="notebook")))
