"""A whole workshop: an instructor, five learners with labs of their own, their mistakes, help, a killed classroom, a mended
check, and marks that leave. The classroom is the command, as an instructor starts it."""

import contextlib
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from driver import browser
from helpers import ROOT, labkit, labkit_json
from playwright.sync_api import expect
from test_board import go, problems, serious

from labkit.lab.owner import workshop as keys

PATIENCE = 60_000
"""Milliseconds: five labs start one after the other, on two cores that others use too."""

SOON = 4_000
"""Milliseconds that the board may take for what a lab has shown: two seconds, and the time until the lab is looked at."""

NAME = f"ws{os.getpid()}"
ROSTER = (
    "id,name,section\nada,Ada Lovelace,A\ngrace,Grace Hopper,A\nlinus,Linus,B\nli,李小龙,B\nmallory,Mallory <b>,B\n"
)


@dataclass
class Room:
    """The classroom's process, and what it printed."""

    folder: Path
    process: subprocess.Popen
    told: dict

    @property
    def address(self):
        return self.told["address"]

    def person(self, ident):
        return keys.read(Path(self.told["folder"]) / "workshop.key").person(ident)


def start(folder, port=0, **env):
    roster = folder / "roster.csv"
    roster.write_text(ROSTER)
    words = ["up", "--workshop", NAME, "--learners", str(roster), "--host", "127.0.0.1", "--port", str(port)]
    words += ["--workers", "1", "--labs", "--json", *(f"--exercise={each}" for each in ("01", "02", "03"))]
    with (folder / "said").open("ab") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "labkit", "classroom", *words],
            env={**os.environ, "PYTHONPATH": str(ROOT), "LABKIT_CLASSROOM": str(folder), **env},
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
    text = ""
    while not text.endswith("}\n"):
        line = process.stdout.readline()
        assert line, (folder / "said").read_text()
        text += line
    return Room(folder, process, json.loads(text))


def end(room, number=signal.SIGTERM):
    room.process.send_signal(number)
    room.process.wait(60)
    room.process.stdout.close()


@contextlib.contextmanager
def person(chromium, **options):
    context = chromium.new_context(ignore_https_errors=True, viewport={"width": 1280, "height": 800}, **options)
    page = context.new_page()
    page.errors, page.failed = [], []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda line: page.errors.append(line.text) if line.type == "error" else None)
    page.on("requestfailed", lambda request: page.failed.append(request.url))
    yield page
    context.close()


def with_code(page, room, ident):
    go(page, f"{room.address}/sign-in")
    page.get_by_label("Your id").fill(ident)
    page.get_by_label("The code").fill(room.told["code"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="My lab")).to_be_visible()


def opened(page):
    """Opens a terminal on the workstation, from My page."""
    expect(page.locator("[data-lab=up]")).to_be_visible()
    page.get_by_role("link", name="Open a terminal").click()
    page.get_by_role("button", name="Open a terminal").click()
    expect(page.locator("#terminal-state")).to_contain_text("is open")


def types(page, command, *, until_it_says):
    page.locator(".xterm-helper-textarea").focus()
    page.keyboard.type(f"{command}\n")
    expect(page.locator(".xterm-rows")).to_contain_text(until_it_says)


def row(page, number):
    return page.locator("table.board tbody tr").nth(number)


def cell(page, learner, exercise):
    """A learner's place in the board for an exercise; the learners are in the roster's order."""
    return row(page, learner).locator("td").nth(1 + exercise)


ADA, GRACE, LINUS, LI, MALLORY = range(5)


@pytest.mark.fault(
    "The classroom is killed while its learners work",
    "Started again, it finds all labs and sessions; what a laptop kept meanwhile is taken then",
)
def test_a_workshop(engine, tmp_path):
    expect.set_options(timeout=PATIENCE)
    room = start(tmp_path)
    try:
        with browser() as chromium, contextlib.ExitStack() as there:
            _played(chromium, there, room, tmp_path)
    finally:
        if room.process.poll() is None:
            end(room)
        env = {"LABKIT_CLASSROOM": str(tmp_path)}
        gone = labkit("classroom", "down", "--workshop", NAME, env=env, check=0)
        assert "5 labs are removed" in gone.stdout


def _played(chromium, there, room, folder):
    instructor = there.enter_context(person(chromium))
    go(instructor, room.told["instructor"])
    instructor.get_by_role("button", name="Sign in").click()
    expect(instructor.locator("#live")).to_have_text("● Live")

    # They join, four by code and one by link; each lab starts by itself.
    pages = {ident: there.enter_context(person(chromium)) for ident in ("ada", "grace", "linus", "li", "mallory")}
    for ident in ("ada", "linus", "li", "mallory"):
        with_code(pages[ident], room, ident)
    row(instructor, GRACE).get_by_role("link").first.click()
    instructor.get_by_role("button", name="New link").click()
    link = instructor.locator(".note code").inner_text()
    go(pages["grace"], link)
    pages["grace"].get_by_role("button", name="Sign in").click()
    go(instructor, f"{room.address}/board")
    expect(instructor.locator("td[data-lab=up]")).to_have_count(5)
    assert serious(instructor) == []
    assert serious(pages["ada"]) == []

    _mistakes(room, instructor, pages["ada"])
    _all_right(room, instructor, pages["linus"])
    _helped(room, instructor, pages["grace"])
    _afterwards(room, instructor, pages, folder)


def _mistakes(room, instructor, ada):
    """A user that there is not, then a push to somebody else's namespace; both show on the board, and then the right ones."""
    name = room.person("ada").username
    opened(ada)
    assert serious(ada) == []
    types(ada, "docker login -u ada -p mypassword", until_it_says="unauthorized")
    expect(row(instructor, ADA)).to_contain_text("login-unknown-user", timeout=SOON)
    expect(instructor.locator("[data-key=frequent]")).to_contain_text("login-unknown-user")
    types(ada, f"clear; docker login -u {name} -p mypassword", until_it_says="Login Succeeded")
    expect(cell(instructor, ADA, 1)).to_contain_text("✓", timeout=SOON)
    types(ada, "clear; docker push library/myapp; echo done", until_it_says="done")
    assert problems(ada) == []


def _all_right(room, instructor, linus):
    person = room.person("linus")
    image = f"{person.username}/myapp:{person.version}"
    opened(linus)
    types(linus, f"docker login -u {person.username} -p mypassword", until_it_says="Login Succeeded")
    types(linus, f"docker tag myapp:latest {image} && docker push {image}", until_it_says="digest: sha256")
    for exercise in (1, 2, 3):
        expect(cell(instructor, LINUS, exercise)).to_contain_text("✓", timeout=SOON)


def _helped(room, instructor, grace):
    """A raised hand, a hint, and a terminal that is shared: to watch first, then to type, then no more."""
    grace.get_by_label("What is it about?").fill("It says <b>denied</b>")
    grace.get_by_role("button", name="Raise my hand").click()
    expect(instructor.locator("[data-key=raised]")).to_contain_text("Learner 2", timeout=SOON)
    instructor.locator("[data-key=raised]").get_by_role("link").click()
    expect(instructor.get_by_text("It says <b>denied</b>")).to_be_visible()
    expect(instructor.get_by_role("region", name="Checks")).to_contain_text("not yet")
    assert serious(instructor) == []
    instructor.get_by_role("button", name="Send the hint").click()
    expect(grace.locator("[data-key=messages]")).to_contain_text("Which docker command", timeout=SOON)
    instructor.get_by_role("link", name="Terminal").click()
    instructor.get_by_role("button", name="Ask Grace Hopper").click()
    expect(grace.get_by_text("asks to see your terminal")).to_be_visible(timeout=SOON)
    opened(grace)
    types(grace, "echo $((6 * 7))", until_it_says="42")
    assert "42" not in instructor.content(), "nothing is seen before it is allowed"
    grace.get_by_role("button", name="Let instructor watch").click()
    instructor.get_by_role("link", name="Open it").click()
    expect(instructor.locator("#terminal-state")).to_contain_text("may not type")
    expect(instructor.locator(".xterm-rows")).to_contain_text("42")
    assert serious(instructor) == []
    instructor.locator(".xterm-helper-textarea").focus()
    instructor.keyboard.type("echo intruder\n")
    grace.get_by_role("button", name="Let instructor type").click()
    expect(instructor.locator("#terminal-state")).to_contain_text("may type", timeout=SOON)
    name = room.person("grace").username
    types(instructor, f"docker login -u {name} -p mypassword", until_it_says="Login Succeeded")
    expect(grace.locator(".xterm-rows")).to_contain_text("Login Succeeded")
    assert "intruder" not in grace.locator(".xterm-rows").inner_text()
    grace.get_by_role("button", name="Stop sharing").click()
    expect(instructor.locator("#terminal-state")).to_contain_text("has ended", timeout=SOON)
    grace.locator(".xterm-helper-textarea").focus()
    grace.keyboard.press("F6")
    assert grace.evaluate("document.activeElement.id") == "after-terminal", "the keyboard gets out of the terminal"
    go(grace, f"{room.address}/me")
    expect(grace.locator("[data-key=marks]")).to_contain_text("3 of 3 · observed")
    assert problems(grace) == []
    go(instructor, f"{room.address}/log")
    for line in ("lets instructor watch", "lets instructor watch and type", "lets instructor neither", "sent hint 1"):
        expect(instructor.locator("main")).to_contain_text(line)
    go(instructor, f"{room.address}/board")


def _afterwards(room, instructor, pages, folder):
    """A laptop goes on while the classroom is killed; it comes back with a mended check. Somebody copies. Marks leave."""
    laptops = {ident: folder / ident for ident in ("li", "mallory")}
    for ident, work in laptops.items():
        pages[ident].get_by_role("button", name="Make a code").click()
        code = pages[ident].locator(".note code").nth(1).inner_text()
        joined = subprocess.run(
            [sys.executable, "-m", "labkit", "classroom", "join", room.address],
            env={**os.environ, "PYTHONPATH": str(ROOT), "LABKIT_WORK": str(work)},
            input=f"{code}\n",
            capture_output=True,
            text=True,
        )
        assert joined.returncode == 0, joined.stderr
    li = {"LABKIT_WORK": str(laptops["li"]), "LABKIT_LAB": f"{NAME}-li", "LABKIT_STATE": str(folder / "state")}
    values = laptops["li"] / ".labkit/classroom/values.json"
    try:
        labkit("up", "--detach", "--no-jupyter", "--workers", "1", "--values", str(values), env=li, check=0)
        name = room.person("li").username
        labkit("shell", "workstation", "docker", "login", "-u", name, "-p", "mypassword", env=li, check=0)
        end(room, signal.SIGKILL)
        kept = labkit("classroom", "report", env=li, check=1)
        assert "kept for later" in kept.stdout
        course = folder / "course"
        for part in ("exercises", "solutions", "notebooks"):
            shutil.copytree(ROOT / part, course / part, ignore=shutil.ignore_patterns("__pycache__"))
        mended = course / "exercises/01-login/checks.py"
        mended.write_text(mended.read_text().replace("points=2", "points=5", 1))
        port = int(room.address.rpartition(":")[2])
        again = start(folder, port, LABKIT_COURSE=str(course))
        room.process, room.told = again.process, again.told
        go(instructor, f"{room.address}/board")
        expect(instructor.locator("td[data-lab=up]")).to_have_count(5)
        sent = labkit_json("classroom", "report", "--json", env=li, check=0)
        assert sent["left"] == 0 and sent["sent"] >= 1
        expect(cell(instructor, LI, 1)).to_contain_text("*", timeout=SOON)
    finally:
        labkit("down", env=li)

    # Whoever hands in another's observation is told no.
    go(instructor, f"{room.address}/board?names=shown")
    cell(instructor, ADA, 1).get_by_role("link").click()
    with instructor.expect_download() as download:
        instructor.get_by_role("link", name="Download it").click()
    download.value.save_as(folder / "ada.json")
    env = {"LABKIT_WORK": str(laptops["mallory"])}
    refused = labkit("classroom", "report", "--observation", str(folder / "ada.json"), env=env, check=2)
    assert "Not taken" in refused.stderr
    go(instructor, f"{room.address}/log")
    expect(instructor.locator("tr", has_text="not-taken")).to_contain_text("mallory")

    # The mended check counts when the instructor says so.
    go(instructor, f"{room.address}/marks")
    expect(instructor.locator("main")).to_contain_text("3 of 3")
    go(instructor, f"{room.address}/regrade")
    expect(instructor.get_by_text("marks would change")).to_be_visible()
    instructor.get_by_role("button", name="Make this list count").click()
    expect(instructor.get_by_text("They count now")).to_be_visible()
    book = folder / "gradebook.json"
    env = {"LABKIT_CLASSROOM": str(folder), "LABKIT_COURSE": str(folder / "course")}
    book.write_text(labkit("classroom", "gradebook", "--workshop", NAME, env=env, check=0).stdout)
    marks = folder / "marks.csv"
    labkit("export", "csv", str(book), "-o", str(marks), env=env, check=0)
    lines = list(csv.DictReader(marks.read_text(encoding="utf-8-sig").splitlines()))
    points = {line["Learner"].lower().split()[0]: line["Points"] for line in lines}
    assert points == {"ada": "6", "grace": "6", "李小龙": "6", "linus": "13", "mallory": "0"}, lines
    origins = [line["01-login: mark"].partition("; ")[2] for line in lines]
    assert origins == ["observed", "observed", "self-reported", "observed", ""], lines
    for kind in ("canvas", "moodle", "junit"):
        labkit("export", kind, str(book), "-o", str(folder / f"marks.{kind}"), env=env, check=0)
    assert problems(instructor) == []
