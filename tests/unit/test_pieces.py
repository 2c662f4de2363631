"""Small modules, each by its values."""

import json
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from labkit.cli.main import COMMANDS, Door, cli
from labkit.cli.output import COLORS, colored, progress
from labkit.errors import LabError
from labkit.grading.report import CheckResult, ExerciseResult, Judge, Outcome, Report
from labkit.lab.engine import capabilities, processes
from labkit.lab.engine.engines import Engine
from labkit.lab.lifecycle import remove
from labkit.view import render
from labkit.work import answers, attempts

HERE = Judge("0", "v")
HOSTILE = '<script>alert("x")</script>\n\u202eevil\x1b[31m'


def report(**texts):
    check = CheckResult("c", "A claim.", Outcome.NOT_YET, 2, **texts)
    return Report("lab", "t", (ExerciseResult("01-x", HOSTILE, (check,)),), HERE, HERE)


def test_hostile_text_is_shown_as_text():
    made = report(found=HOSTILE, message=HOSTILE, why=HOSTILE, expected=HOSTILE)
    html, text = render.report(made), made.text()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    for shown in (html, text):
        assert "\u202e" not in shown
        assert "\x1b" not in shown
    assert "\\u202eevil" in text


def test_each_check_has_one_line_with_its_outcome():
    checks = tuple(CheckResult(outcome.value, "  ✓ A claim.", outcome, 1, message="  ✗ x") for outcome in Outcome)
    made = Report("lab", "t", (ExerciseResult("01-x", "T", checks), ExerciseResult("02-y", "U", ())), HERE, HERE)
    assert [line.outcome for line in made.lines() if line.outcome] == list(Outcome)
    assert "\n".join(line.text for line in made.lines()) == made.text()
    assert made.text().endswith("\n\n02-y  U  0/0 points")


def test_steps_as_json_and_an_error_that_ends_them(capsys):
    with pytest.raises(SystemExit) as end, progress("json", 2) as say:
        say("one")
        say("two")
        say("three")
        raise LabError("It broke.", "labkit up")
    assert end.value.code == 2
    first, second, third, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert [(told["step"], told["of"], told["text"]) for told in (first, second, third)] == [
        (1, 2, "one"),
        (2, 2, "two"),
        (3, 3, "three"),
    ]
    assert isinstance(first["seconds"], float)
    assert last == {"error": "It broke.", "fix": "labkit up"}


def test_an_unknown_command_is_told_with_the_near_one():
    result = CliRunner().invoke(cli, ["chekc"])
    assert result.exit_code == 2
    assert "There is no command 'chekc': did you mean check?" in result.output


def test_a_command_that_is_interrupted_says_nothing_and_exits_with_130(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Door, "resolve_command", interrupted)
    result = CliRunner().invoke(cli, ["status"])
    assert (result.exit_code, result.output) == (130, "")


def test_the_command_colors_every_outcome():
    assert set(COLORS) == set(Outcome)
    colored_report = colored(report(found="  ✓ passed  is what stands there").lines())
    assert colored_report.count("\x1b[33m") == colored_report.count("\x1b[") / 2 == 1


def test_exit_codes():
    def code(*outcomes):
        checks = tuple(CheckResult("c", "A.", one, 1) for one in outcomes)
        return Report("", "", (ExerciseResult("x", "x", checks),), HERE, HERE).exit_code

    assert code(Outcome.PASSED) == 0
    assert code(Outcome.PASSED, Outcome.NOT_YET) == 1
    assert code(Outcome.CONVERGING, Outcome.BLOCKED) == 1
    assert code(Outcome.PASSED, Outcome.ERROR) == 2


def test_attempts_are_appended_and_a_torn_line_is_survived(tmp_path):
    attempts.keep_attempt(tmp_path, report())
    file = tmp_path / attempts.FILE
    file.write_bytes(file.read_bytes() + b'{"kind": "att')
    attempts.keep_hint(tmp_path, "01-x", "c", 1)
    records, damaged = attempts.read(tmp_path)
    assert [one["kind"] for one in records] == ["attempt", "hint"]
    assert damaged == 1
    assert attempts.hints_taken(tmp_path, "01-x", "c") == 1
    attempts.keep_reset(tmp_path, ["01-x"])
    assert attempts.hints_taken(tmp_path, "01-x", "c") == 0


def test_attempts_that_cannot_be_kept_are_told(tmp_path):
    (tmp_path / ".labkit").write_text("a file where a folder should be")
    with pytest.raises(LabError, match="could not be saved"):
        attempts.keep_attempt(tmp_path, report())


def test_answers_are_kept_beside_each_other(tmp_path):
    answers.save(tmp_path, "06", {"a": "1"})
    answers.save(tmp_path, "06", {"b": "2", "a": " "})
    assert answers.load(tmp_path) == {"06": {"a": "1", "b": "2"}}
    answers.forget(tmp_path, "06")
    assert answers.load(tmp_path) == {}
    (tmp_path / answers.FILE).write_text("[1, 2]")
    assert answers.load(tmp_path) == {}


def test_missing_capabilities_are_read_from_the_bounding_set(tmp_path):
    status, last = tmp_path / "status", tmp_path / "last"
    last.write_text("40\n")
    status.write_text("Name:\tx\nCapBnd:\t000001ffffffffff\n")
    assert capabilities.missing(status, last) == []
    status.write_text("CapBnd:\t000001fffeffffff\n")
    assert capabilities.missing(status, last) == ["SYS_RESOURCE"]
    assert capabilities.missing(tmp_path / "none", last) == []


def test_a_detached_process_outlives_its_starter_and_is_ended(tmp_path):
    log = tmp_path / "log"
    pid = processes.detach([sys.executable, "-c", "print('hello', flush=True); import time; time.sleep(60)"], log)
    assert processes.alive(pid)
    processes.end(pid)
    assert not processes.alive(pid)
    assert processes.last_words(tmp_path / "nothing") == "it printed nothing"
    assert pid != os.getpid()


@pytest.mark.parametrize("verb", sorted(COMMANDS))
def test_every_verb_has_help_with_an_example(verb):
    result = CliRunner().invoke(cli, [verb, "--help"])
    assert result.exit_code == 0
    assert f"Example: labkit {verb}" in " ".join(result.output.split()) or verb in ("env", "completion"), result.output


def test_the_readme_names_no_verb_that_is_not_there():
    import re

    text = (Path(__file__).parents[2] / "README.md").read_text()
    verbs = set(re.findall(r"\./lab ([a-z]+)", text)) | set(re.findall(r"`labkit ([a-z]+)", text))
    assert verbs - {"test"} <= set(COMMANDS)


def test_an_engine_that_another_labs_down_has_ended_is_not_stopped(tmp_path):
    assert not remove._unused(Engine(f"unix://{tmp_path}/gone.sock", own=True))
