"""A kernel's panels: showing writes nothing, what was done is kept once, and a command's steps are values."""

import json
from dataclasses import replace

import pytest
from test_sight import lab
from world import World, solved

from labkit import paths
from labkit.content import exercises
from labkit.jupyter import commands, panel, panels
from labkit.jupyter.failures import Memory
from labkit.jupyter.kernel import Kernel
from labkit.jupyter.panel import Panel
from labkit.lab.looking.sight import Sight, state_of
from labkit.view import compose
from labkit.work import attempts


class Quiet:
    """A watch that tells what a test has it tell."""

    def __init__(self):
        self.last, self.woken = None, 0

    def listen(self, tell):
        self.tell = tell

    def wake(self):
        self.woken += 1


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """The panels of a kernel of JupyterLab's, with a watch that is quiet, and the learner's folder in `tmp_path`."""
    import ipykernel  # noqa: F401  (a panel shows itself as a widget where it is loaded)

    monkeypatch.setenv("JPY_SESSION_NAME", "x.ipynb")
    monkeypatch.setenv("LABKIT_WORK", str(tmp_path))
    return panels.Panels(Memory(), Quiet())


def seen(world, work):
    return state_of(lab(work=work), world.observation)


def opened(shared, monkeypatch, sight, slug="03-push", shown=compose.EXERCISE):
    """A panel that a cell showed at this sight."""
    kernel = Kernel(shared)
    monkeypatch.setattr(panel.watch, "look", lambda: sight)
    made = Panel(kernel, shown, exercises.load(slug) if slug else None)
    assert panel.MIME in made._repr_mimebundle_()
    return made


def kept(work):
    return [record["kind"] for record in attempts.read(work)[0]]


def test_showing_writes_nothing_and_what_was_done_is_kept_once(shared, monkeypatch, tmp_path):
    before, after = seen(World(), tmp_path), seen(solved(), tmp_path)
    shown = opened(shared, monkeypatch, before)
    assert "0 of 4 points" in shown._widget.checks
    shared.show(after)
    assert "4 of 4 points" in shown._widget.checks
    assert kept(tmp_path) == ["opened"]
    shared.tell(after)
    shared.tell(after)
    assert kept(tmp_path) == ["opened", "attempt"]
    assert attempts.ever_done(attempts.read(tmp_path)[0], "03-push")


def test_keeping_does_not_hold_up_the_showing(shared, monkeypatch, tmp_path):
    opened(shared, monkeypatch, seen(World(), tmp_path))
    held = []
    monkeypatch.setattr(attempts, "keep_attempt", lambda *_: held.append(shared._lock.locked()))
    shared.tell(seen(solved(), tmp_path))
    assert held == [False]


def test_a_panel_opened_on_what_is_done_keeps_no_attempt(shared, monkeypatch, tmp_path):
    opened(shared, monkeypatch, seen(solved(), tmp_path))
    shared.tell(seen(solved(), tmp_path))
    assert kept(tmp_path) == ["opened"]


def test_an_attempt_that_cannot_be_kept_is_told_and_the_watch_goes_on(shared, monkeypatch, tmp_path):
    shown = opened(shared, monkeypatch, seen(World(), tmp_path))
    (tmp_path / attempts.FILE).unlink()
    (tmp_path / attempts.FILE).mkdir()
    shared.tell(seen(solved(), tmp_path))
    assert "could not be kept" in shown._widget.notice
    assert "4 of 4 points" in shown._widget.checks


def test_a_panel_that_is_shown_again_takes_the_place_of_the_old_one(shared, monkeypatch, tmp_path):
    sight = seen(World(), tmp_path)
    first, second = (opened(shared, monkeypatch, sight) for _ in range(2))
    assert first._widget is None
    assert second._widget is not None
    questions = opened(shared, monkeypatch, sight, shown=compose.QUIZ)
    shared.tell(Sight("down", problem="The lab is not running."))
    assert "not running" in second._widget.notice
    assert "not running" in questions._widget.notice


def test_two_kernels_hold_panels_of_their_own(shared, monkeypatch, tmp_path):
    other = panels.Panels(Memory(), Quiet())
    shown = opened(other, monkeypatch, seen(World(), tmp_path))
    shared.tell(Sight("down", problem="The lab is not running."))
    assert shown._widget.notice == ""


def test_names_are_known_once_a_panel_was_shown(shared):
    assert Kernel().image_names() == []
    kernel = Kernel(shared)
    assert kernel.image_names() == []
    shared.watch.last = seen(solved(), paths.home().work)
    assert "myusername/myapp:v1.0.0" in kernel.image_names()


def test_the_steps_of_a_command_are_shown_as_they_come(shared, monkeypatch, tmp_path):
    shown = opened(shared, monkeypatch, seen(World(), tmp_path))
    shared.watch.last = seen(World(), tmp_path)
    notices = []

    def run(words, tell):
        assert words == ["up", "--detach", "--no-jupyter"]
        for number, text in enumerate(("starting 5 machines", "starting JupyterLab"), 1):
            tell(commands.Step(number, 3, text, 7.2))
            notices.append(shown._widget.notice)
        return "It broke. → labkit doctor"

    monkeypatch.setattr(commands, "run", run)
    shown.act({"do": "start"})
    assert "starting 5 machines (7 s)" in notices[0]
    assert 'max="3" value="1"' in notices[0]
    assert 'value="2"' in notices[1]
    assert "It broke. → labkit doctor" in shown._widget.notice
    assert "progress" not in shown._widget.notice
    assert shared.watch.woken == 1


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
        commands.subprocess, "Popen", lambda words, **more: real([words[0], str(script), *words[3:]], **more)
    )
    steps = []
    assert commands.run(["up"], steps.append) == failure
    assert [step.text for step in steps] == (["[ 3 s] x"] if code == 0 else [])


def test_opening_an_exercise_starts_what_it_needs_beyond_the_standard_lab(shared, monkeypatch, tmp_path):
    ran = []
    monkeypatch.setattr(panels.commands, "run", lambda words, _tell: ran.append(words) or "")
    sight = seen(World(), tmp_path)
    opened(shared, monkeypatch, sight)
    needing = replace(exercises.load("02-tag"), extras=("registry",))
    monkeypatch.setattr(exercises, "load", lambda _slug: needing)
    opened(shared, monkeypatch, sight)
    shared.pool.shutdown(wait=True)
    assert ran == [["up", "--detach", "--no-jupyter", "--with=registry"]]
