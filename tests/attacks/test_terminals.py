"""What a terminal would obey: escapes, newlines and direction marks from files, labs and errors are shown as text."""

import ast
import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from test_plan import NAMES, lab
from world import World, personal

from labkit import session, status
from labkit.cli import output
from labkit.cli.main import cli
from labkit.content import exercises
from labkit.content.personal import person
from labkit.errors import LabError
from labkit.grading.grade import grade
from labkit.jupyter.notebook import Message
from labkit.lab.looking.sight import Sight
from labkit.text import dumps, lines, visible
from labkit.view import compose, plain
from labkit.work import attempts

EVIL = "\x1b[2K\r\n✓ passed\x9b31m\u202e\u2066\x07\x7f\ud800"
SHOWN = "\\u001b[2K\\u000d\\u000a✓ passed\\u009b31m\\u202e\\u2066\\u0007\\u007f\\ud800"


def harmless(text):
    """Nothing in it moves a cursor or turns a line around, and no line of it is another's."""
    assert all(char.isprintable() or char == "\n" for char in text), repr(text)
    assert not [line for line in text.split("\n") if line.startswith("✓ passed")], text


def observed(tmp_path, **person_of):
    """A kept observation in which everything that somebody names is evil."""
    world = World().image("workstation", "mine", [f"{EVIL}/webapp:v1"], labels={EVIL: EVIL})
    world.log("login", user=EVIL, status=401, reason=EVIL)
    world.hold("myusername/myapp", EVIL)
    world.service(name=EVIL, image=EVIL)
    world.gap("engines/worker1", why=f"it says {EVIL}")
    world.data["answers"] = {"06-practice": {"ci": EVIL}}
    world.data |= {"labkit": EVIL, "taken": EVIL}
    world.data["lab"] = {"name": EVIL, "person": {"learner": EVIL, **person_of}}
    file = tmp_path / "o.json"
    file.write_text(world.observation.dump())
    return file, world.observation


@pytest.mark.attack(
    "terminals",
    "escapes and newlines in an observation's names, tags, labels, errors and answers",
    "the report shows them as text",
)
def test_a_report_of_an_evil_observation(tmp_path):
    file, _ = observed(tmp_path)
    harmless(file.read_text())
    told = CliRunner().invoke(cli, ["check", "--observation", str(file)])
    assert told.exit_code == 2  # a machine did not answer
    harmless(told.output)
    assert "\\u001b[2K" in told.stdout
    as_json = CliRunner().invoke(cli, ["check", "--observation", str(file), "--json"])
    harmless(as_json.output)
    assert json.loads(as_json.stdout)["lab"] == EVIL


@pytest.mark.attack(
    "terminals",
    "an observation whose learner name clears the line and says that everything passed",
    "the refusal shows the name as text",
)
def test_whose_it_is_is_told_as_text(tmp_path):
    file, _ = observed(tmp_path)
    told = CliRunner().invoke(cli, ["check", "--observation", str(file), "--learner", "Ada"])
    assert told.exit_code == 2
    harmless(told.output)
    assert f"It is from {SHOWN}." in told.stderr
    assert told.stderr.count("\n") == 2


@pytest.mark.attack(
    "terminals",
    "the same in names of images, services and machines, and in an engine's error, in `status`",
    "shown as text",
)
def test_status_shows_names_as_text(tmp_path):
    _, seen = observed(tmp_path)
    found = lab(tmp_path, NAMES)
    found = replace(found, home=replace(found.home, work=Path(f"/home/{EVIL}")))
    sight = Sight("broken", found, seen, f"the engine says {EVIL}", {"worker1": EVIL, EVIL: EVIL})
    for told in (status.of(sight, EVIL), status.of(replace(sight, lab=None, state="down"), EVIL)):
        harmless(told.text())
        assert SHOWN in told.text()
        harmless(dumps(told.to_json(), indent=2))


@pytest.mark.attack("terminals", "the same in the panel as text, in *What happened*, and in `explain`", "shown as text")
def test_the_panel_as_text(tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_WORK", str(tmp_path))
    _, seen = observed(tmp_path)
    sight = Sight("broken", None, seen, f"it says {EVIL}")
    for shown in (compose.EXERCISE, compose.START, compose.QUIZ):
        harmless(plain.text(compose.view(shown, exercises.load("06-practice"), sight)))
    printed = f"denied: requested access {EVIL} to the resource is denied".replace("\n", "")
    harmless(plain.explained(compose.explain(printed, seen)))


@pytest.mark.attack("terminals", "escapes in a value that is filled into a hint", "shown as text")
def test_a_hint(tmp_path):
    whose = msgspec.structs.replace(person("Ada"), username=EVIL)
    hint = session.next_hint(tmp_path, exercises.load("03-push"), "in_hub", whose)
    assert EVIL in whose.personal("myusername")
    harmless(lines(hint.replace(EVIL, EVIL.replace("\n", ""))))
    assert attempts.hints_taken(tmp_path, "03-push", "in_hub") == 1


@pytest.mark.attack(
    "terminals",
    "an error text from an engine, a registry or a file name",
    "one line, shown as text, everywhere",
)
def test_an_error_is_one_line(capsys):
    error = LabError(f"The engine says {EVIL}.", f"look into {EVIL}")
    output.complain(error)
    told = capsys.readouterr().err
    harmless(told)
    assert told == f"✗ The engine says {SHOWN}.\n  → look into {SHOWN}\n"
    harmless(str(error))
    assert str(error).count("\n") == 1
    harmless(repr(Message(f"✗ {error}")))
    harmless(Message(EVIL.replace("\n", ""))._repr_html_())


@pytest.mark.attack("terminals", "a progress step that names something evil", "shown as text, in JSON too")
def test_steps_are_lines(capsys):
    for form in ("text", "json"):
        with output.progress(form) as say:
            say(f"pulling {EVIL}")
    told = capsys.readouterr()
    harmless(told.err)
    harmless(told.out)
    assert told.err.count("\n") == told.out.count("\n") == 1
    assert json.loads(told.out)["text"] == f"pulling {EVIL}"


@pytest.mark.attack("terminals", "a learner's name with escapes", "`up` refuses the name")
def test_a_learners_name_is_printable():
    told = CliRunner().invoke(cli, ["up", "--learner", "Ada\x1b[31m"])
    assert told.exit_code == 2
    assert "is not a valid learner's name" in told.stderr
    harmless(told.output)


def test_names_in_other_scripts_are_shown_as_they_are(tmp_path):
    for name in ("Åsa Öberg", "Łukasz", "李小龙", "नमस्ते", "שרה", "Zoë 🐳"):
        assert visible(name) == name
        assert f'"{name}"' in dumps([name])
        report = grade([exercises.load("02-tag")], personal(World(), person(name)), "")
        assert f"This is {name}'s lab" in report.text()


def test_commands_print_in_one_place():
    """But for what is no text for people (the shell's lines, what a machine's command prints, a pass for a file), or colored line by line."""
    allowed = {"shell.py": 1, "solve.py": 1, "check.py": 1, "completion.py": 1, "classroom.py": 1, "broker.py": 1}
    for file in Path(output.__file__).parent.glob("*.py"):
        calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
        printing = [
            call
            for call in calls
            if ast.unparse(call.func) in ("click.echo", "click.secho", "print", "sys.stdout.write")
        ]
        if file.name != "output.py":
            assert len(printing) == allowed.get(file.name, 0), file.name
