"""A whole workshop: an instructor, five learners with labs of their own, their mistakes, help, a killed classroom, a mended
check, and marks that leave and are opened in what they are for. The classroom is the command, as an instructor starts it."""

import contextlib
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import readers
from driver import browser, listened
from helpers import ROOT, labkit, labkit_json, until
from playwright.sync_api import expect
from test_board import serious
from test_exports import canvas_reads, moodle_reads

from labkit.lab.owner import workshop as keys

PATIENCE = 60_000
"""Milliseconds: five labs start one after the other, on two cores that others use too."""

SOON = 4_000
"""Milliseconds that the board may take for what a lab has shown: two seconds, and the time until the lab is looked at."""

NAME = f"ws{os.getpid()}"
ROSTER = """\
id,name,section,email,canvas
ada,Ada Lovelace,A,ada@example.org,101
grace,Grace Hopper,A,grace@example.org,102
linus,Linus,B,linus@example.org,103
li,李小龙,B,li@example.org,104
mallory,Mallory <b>,B,mallory@example.org,105
"""
WEIGHTS = {"01-login": 1, "02-tag": 1, "03-push": 2, "04-pull": 0, "05-deploy": 0}
"""Of the exercises; those with 0 are taken out of the workshop."""


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
    words = ["up", "--workshop", NAME, "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--labs", "--json"]
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
    page = listened(context.new_page())
    yield page
    context.close()


def led(page, click):
    """Clicks what leads to another page."""
    with page.expect_navigation(wait_until="load"):
        click.click()


def with_code(page, room, ident):
    """In the browser, as one of a class."""
    page.goto(f"{room.address}/sign-in")
    page.get_by_label("Your id").fill(ident)
    page.get_by_label("The code").fill(room.told["code"])
    led(page, page.get_by_role("button", name="Sign in"))
    expect(page.get_by_role("heading", name="My lab")).to_be_visible()


def opened(page):
    """Opens a terminal on the workstation, from My page."""
    expect(page.locator("[data-lab=up]")).to_be_visible()
    led(page, page.get_by_role("link", name="Open a terminal"))
    led(page, page.get_by_role("button", name="Open a terminal"))
    expect(page.locator("#terminal-state")).to_contain_text("is open")


def came_in_part(page):
    """A script of the terminal's page does not arrive, twice: the page is asked for again, by itself."""
    known = len(page.errors)
    page.route("**/xterm.js", lambda route: route.abort("internetdisconnected"), times=2)
    page.reload()
    expect(page.locator("#terminal-state")).to_contain_text("is open")
    del page.errors[known:]


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
        assert "labs are removed" in gone.stdout


def _played(chromium, there, room, folder):
    instructor = there.enter_context(person(chromium))
    instructor.goto(room.told["instructor"])
    led(instructor, instructor.get_by_role("button", name="Sign in"))
    expect(instructor.locator("#live")).to_have_text("● Live")
    _made(instructor, room)

    # They join, four by code and one by link; each lab starts by itself.
    pages = {ident: there.enter_context(person(chromium)) for ident in ("ada", "grace", "linus", "li", "mallory")}
    for ident in ("ada", "linus", "li", "mallory"):
        with_code(pages[ident], room, ident)
    led(instructor, row(instructor, GRACE).get_by_role("link").first)
    led(instructor, instructor.get_by_role("button", name="New link"))
    link = instructor.locator(".note code").inner_text()
    pages["grace"].goto(link)
    led(pages["grace"], pages["grace"].get_by_role("button", name="Sign in"))
    instructor.goto(f"{room.address}/board")
    expect(instructor.locator("td[data-lab=up]")).to_have_count(5)
    assert serious(instructor) == []
    assert serious(pages["ada"]) == []

    _mistakes(room, instructor, pages["ada"])
    _all_right(room, instructor, pages["linus"])
    _helped(room, instructor, pages["grace"])
    _afterwards(room, instructor, pages, folder)


def _made(instructor, room):
    """The workshop, on its page: exercises with weights, a deadline, what late work costs, and the roster."""
    instructor.goto(f"{room.address}/workshop")
    deadline = datetime.now().astimezone() + timedelta(days=1)
    for slug, weight in WEIGHTS.items():
        instructor.locator(f"input[name=weight-{slug}]").fill(str(weight or ""))
    instructor.get_by_label("Deadline").fill(f"{deadline:%Y-%m-%dT%H:%M}")
    instructor.get_by_label("Percent off for each begun day").fill("10")
    led(instructor, instructor.locator("form[action='/workshop/settings']").get_by_role("button", name="Keep"))
    expect(instructor.get_by_text("✓ Kept.")).to_be_visible()
    expect(instructor.get_by_label("Deadline")).to_have_value(f"{deadline:%Y-%m-%dT%H:%M}")
    file = {"name": "roster.csv", "mimeType": "text/csv", "buffer": ROSTER.encode()}
    instructor.get_by_label("A roster").set_input_files(file)
    led(instructor, instructor.get_by_role("button", name="Add these learners"))
    expect(instructor.get_by_text("5 learners added")).to_be_visible()
    certificates = instructor.locator("form[action='/workshop/certificate']")
    certificates.get_by_label("Percent of the total").fill("80")
    led(instructor, certificates.get_by_role("button", name="Keep"))
    assert serious(instructor) == []
    instructor.goto(f"{room.address}/board")
    expect(instructor.locator("table.board tbody tr")).to_have_count(5)
    expect(instructor.locator(".steps li")).to_have_count(3)


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
    assert ada.errors == []


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
    led(grace, grace.get_by_role("button", name="Raise my hand"))
    expect(instructor.locator("[data-key=raised]")).to_contain_text("Learner 2", timeout=SOON)
    led(instructor, instructor.locator("[data-key=raised]").get_by_role("link"))
    instructor.get_by_text("What they said").click()
    expect(instructor.get_by_text("It says <b>denied</b>")).to_be_visible()
    expect(instructor.get_by_role("region", name="Checks")).to_contain_text("not yet")
    assert serious(instructor) == []
    led(instructor, instructor.get_by_role("button", name="Send the hint"))
    expect(grace.locator("[data-key=messages]")).to_contain_text("Which docker command", timeout=SOON)
    led(instructor, instructor.get_by_role("link", name="Terminal"))
    led(instructor, instructor.get_by_role("button", name="Ask Learner 2"))
    expect(grace.get_by_text("asks to see your terminal")).to_be_visible(timeout=SOON)
    opened(grace)
    came_in_part(grace)
    types(grace, "echo seen-$((6 * 7))", until_it_says="seen-42")
    assert "seen-42" not in instructor.content(), "nothing is seen before it is allowed"
    expect(grace.get_by_role("button", name="Let instructor type too")).to_have_count(0)
    led(grace, grace.get_by_role("button", name="Let instructor watch"))
    led(instructor, instructor.get_by_role("link", name="Open it"))
    expect(instructor.locator("#terminal-state")).to_contain_text("may not type")
    expect(instructor.locator(".xterm-rows")).to_contain_text("seen-42")
    assert serious(instructor) == []
    instructor.locator(".xterm-helper-textarea").focus()
    instructor.keyboard.type("echo intruder\n")
    led(grace, grace.get_by_role("button", name="Let instructor type too"))
    expect(instructor.locator("#terminal-state")).to_contain_text("may type", timeout=SOON)
    name = room.person("grace").username
    types(instructor, f"docker login -u {name} -p mypassword", until_it_says="Login Succeeded")
    expect(grace.locator(".xterm-rows")).to_contain_text("Login Succeeded")
    assert "intruder" not in grace.locator(".xterm-rows").inner_text()
    led(grace, grace.get_by_role("button", name="Let instructor only watch"))
    expect(instructor.locator("#terminal-state")).to_contain_text("may not type", timeout=SOON)
    led(grace, grace.get_by_role("button", name="Stop sharing"))
    expect(instructor.locator("#terminal-state")).to_contain_text("has ended", timeout=SOON)
    grace.locator(".xterm-helper-textarea").focus()
    grace.keyboard.press("F6")
    assert grace.evaluate("document.activeElement.id") == "after-terminal", "the keyboard gets out of the terminal"
    grace.goto(f"{room.address}/me")
    expect(grace.locator("[data-key=marks]")).to_contain_text("3 of 3 · observed")
    assert grace.errors == []
    instructor.goto(f"{room.address}/log")
    for line in ("lets instructor watch", "lets instructor watch and type", "lets instructor neither", "sent hint 1"):
        expect(instructor.locator("main")).to_contain_text(line)
    instructor.goto(f"{room.address}/board")


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
        assert instructor.errors == []
        end(room, signal.SIGKILL)
        checked = labkit_json("check", "01-login", "--json", env=li)
        assert checked["exercises"][0]["earned"] == 3
        waiting = laptops["li"] / ".labkit/classroom/queue"
        until(lambda: list(waiting.glob("*.json")), "the report that is kept")
        course = folder / "course"
        for part in ("exercises", "solutions", "notebooks"):
            shutil.copytree(ROOT / part, course / part, ignore=shutil.ignore_patterns("__pycache__"))
        mended = course / "exercises/01-login/checks.py"
        mended.write_text(mended.read_text().replace("points=2", "points=5", 1))
        port = int(room.address.rpartition(":")[2])
        again = start(folder, port, LABKIT_COURSE=str(course))
        room.process, room.told = again.process, again.told
        instructor.goto(f"{room.address}/board")
        instructor.errors.clear()  # what Chromium said while nobody answered
        expect(instructor.locator("td[data-lab=up]")).to_have_count(5)
        expect(cell(instructor, LI, 1)).to_contain_text("*")  # it was sent by itself
        until(lambda: not list(waiting.glob("*.json")), "the queue to be empty")
    finally:
        labkit("down", env=li)

    # Whoever hands in another's observation is told no.
    instructor.goto(f"{room.address}/board?names=shown")
    cell(instructor, ADA, 1).get_by_role("link").click()
    with instructor.expect_download() as download:
        instructor.get_by_role("link", name="Download it").click()
    download.value.save_as(folder / "ada.json")
    env = {"LABKIT_WORK": str(laptops["mallory"])}
    refused = labkit("classroom", "report", "--observation", str(folder / "ada.json"), env=env, check=2)
    assert "Not taken" in refused.stderr
    instructor.goto(f"{room.address}/log?names=shown")
    expect(instructor.locator("tr", has_text="not-taken")).to_contain_text("mallory")

    # The mended check counts when the instructor says so.
    instructor.goto(f"{room.address}/marks")
    expect(instructor.locator("main")).to_contain_text("3 of 3")
    instructor.goto(f"{room.address}/regrade")
    expect(instructor.get_by_text("marks would change")).to_be_visible()
    instructor.get_by_role("button", name="Make this list count").click()
    expect(instructor.get_by_text("They count now")).to_be_visible()
    _marks_leave(room, instructor, pages["linus"], folder)
    assert instructor.errors == []


def saved(page, link, file):
    """Downloads what a link of the page leads to."""
    with page.expect_download() as download:
        link.click()
    download.value.save_as(file)
    return file


POINTS = {"ada": 6, "grace": 6, "linus": 13, "li": 6, "mallory": 0}
PERCENT = {"ada": 25, "grace": 25, "linus": 100, "li": 25, "mallory": 0}
"""01 is a quarter of the whole, by its weight."""
TITLES = ("01-login Log in to a registry", "02-tag Tag an image", "03-push Push an image")


def _marks_leave(room, instructor, linus, folder):
    """Each file is opened in what it is for: spreadsheets, programs, CI servers, Canvas, Moodle, nbgrader; a certificate as paper."""
    instructor.goto(f"{room.address}/marks/export")
    files = {
        name: saved(
            instructor, instructor.get_by_role("link", name=link, exact=name != "csv"), folder / f"marks.{name}"
        )
        for name, link in {
            "csv": "CSV, for spreadsheets",
            "json": "JSON, with what counts and the totals",
            "junit": "JUnit's XML, for CI servers",
            "gradebook": "The gradebook, for labkit export",
            "moodle": "For Moodle, learners by Email address",
        }.items()
    }
    canvas = instructor.get_by_role("button", name="Download for Canvas")
    files["canvas"] = saved(instructor, canvas, folder / "marks.canvas")

    lines = list(csv.DictReader(files["csv"].read_text(encoding="utf-8-sig").splitlines()))
    assert {one["Learner"]: float(one["Points"]) for one in lines} == POINTS
    assert {one["Learner"]: float(one["Percent"]) for one in lines} == PERCENT
    origins = {one["Learner"]: one["01-login: mark"].partition("; ")[2] for one in lines}
    assert origins.pop("mallory") in ("", "observed"), "the broker may have looked at her lab, and seen nothing"
    assert origins == {**dict.fromkeys(("ada", "grace", "linus"), "observed"), "li": "self-reported"}, lines

    told = json.loads(files["json"].read_text())["results"]
    totals = {one["learner"]: one["total"]["points"] for one in told}
    assert totals == POINTS

    grades, maxima = canvas_reads(files["canvas"].read_text(), {})
    assert maxima == dict(zip(TITLES, (6, 3, 4), strict=True))
    assert grades["103"] == dict(zip(TITLES, ("6", "3", "4"), strict=True))
    assert grades["101"][TITLES[0]] == "6" and grades["105"][TITLES[0]] in ("", "0")
    known = {f"{ident}@example.org" for ident in POINTS}
    graded = moodle_reads(files["moodle"].read_text(encoding="utf-8-sig"), "Email address", known)
    assert [graded["linus@example.org"][title] for title in TITLES] == [6, 3, 4]
    assert graded["mallory@example.org"][TITLES[0]] in (None, 0)

    python = readers.python(folder / "readers", ROOT)
    suites = readers.read(python, "junit", files["junit"])["suites"]
    assert len(suites) == 15
    assert set(suites["Linus · 03-push"].values()) == {"Passed"}
    assert "Passed" not in suites["Mallory <b> · 01-login"].values()

    database = folder / "gradebook.db"
    theirs = f"from nbgrader.api import Gradebook; Gradebook('sqlite:///{database}').close()"
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls alembic
    env = {**os.environ, "LABKIT_COURSE": str(folder / "course"), "PATH": path}
    for words in (("-c", theirs), ("-m", "labkit", "export", "nbgrader-marks", files["gradebook"], database)):
        done = subprocess.run([str(python), *map(str, words)], capture_output=True, text=True, env=env)
        assert done.returncode == 0, done.stderr
    held = readers.read(python, "nbgrader", database, "registry-lab")
    assert {ident: held.get(ident, 0) for ident in POINTS} == POINTS

    linus.goto(f"{room.address}/me")
    part = linus.locator("main")
    paper = saved(linus, part.get_by_role("link", name="PDF"), folder / "linus.pdf")
    text = readers.read(python, "pdf", paper)
    assert "Linus" in text and NAME in text and "100" in text, text
    signed = saved(linus, part.get_by_role("link", name="JSON"), folder / "linus.json")
    key = Path(room.told["folder"]) / "workshop.key.pub"
    told = labkit("certificate", "verify", str(signed), "--signed-by", str(key), check=0)
    assert "Linus" in told.stdout
    signed.write_text(signed.read_text().replace("Linus", "Mallory"))
    labkit("certificate", "verify", str(signed), "--signed-by", str(key), check=2)
