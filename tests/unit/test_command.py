"""The command as a person types it: its help, its own name, Tab, and what it asks before it clears anything."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from labkit import paths
from labkit.cli import output
from labkit.cli.commands import COMMANDS, GROUPS
from labkit.cli.main import cli
from labkit.cli.output import typed
from labkit.content import exercises
from labkit.lab.engine.wire import Wire

ROOT = Path(__file__).parents[2]


def told(*words, **options):
    result = CliRunner().invoke(cli, words, **options)
    return result.exit_code, result.output


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_engine_that_ends_meanwhile_is_an_error_in_a_sentence(tmp_path, monkeypatch):
    """Its socket was there when it was looked for, and is not any more."""
    gone = Wire(f"unix://{tmp_path}/gone.sock", timeout=1)
    monkeypatch.setattr("labkit.lab.looking.watch.see", lambda: gone.get("/containers/json"))
    status, text = told("status")
    assert status == 2
    assert "A part of the lab stopped answering: unix://" in text and "labkit status" in text
    assert "Traceback" not in text


# ── help ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_help_groups_all_commands_and_cuts_no_sentence():
    status, text = told("--help", terminal_width=80)
    assert status == 0
    rows = [" ".join(line.split()) for line in text.splitlines()]
    for title, group in GROUPS.items():
        assert f"{title}:" in rows
        for name, (_, says) in group.items():
            assert f"{name} {says}" in rows, "each on a line of its own, whole"
    assert "..." not in text.replace("[ARGS]...", "")


@pytest.mark.parametrize("family", ["image", "workshop", "classroom"])
def test_a_familys_help_cuts_no_sentence(family):
    text = told(family, "--help", terminal_width=80)[1]
    assert "..." not in text.replace("[ARGS]...", "")


def test_each_command_is_in_one_group():
    assert sum(len(group) for group in GROUPS.values()) == len(COMMANDS)


@pytest.mark.parametrize("verb", sorted(COMMANDS))
def test_help_names_the_command_that_this_person_has(verb, monkeypatch):
    monkeypatch.setenv("LABKIT_COMMAND", "./lab")
    result = subprocess.run(
        [sys.executable, "-m", "labkit", verb, "--help"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    text = " ".join(result.stdout.split())
    assert text.startswith(f"Usage: ./lab {verb}")
    assert f"./lab {verb}" in text.partition("Example:")[2] or verb in ("env", "completion")
    assert "labkit up" not in text and "Example: labkit" not in text


# ── its name ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("labkit down && labkit up", "./lab down && ./lab up"),
        ("labkit check --observation FILE …", "./lab check --observation FILE …"),
        ("labkit --help", "./lab --help"),
        ("Another labkit has been writing", "Another labkit has been writing"),
        ("this version of labkit needs it", "this version of labkit needs it"),
        ("a labkit upgrade", "a labkit upgrade"),
        ("/opt/labkit up", "/opt/./lab up"),
    ],
)
def test_commands_in_a_text_are_what_this_person_types(monkeypatch, text, said):
    monkeypatch.setenv("LABKIT_COMMAND", "./lab")
    assert typed(text) == said


def test_every_line_and_error_names_the_command(monkeypatch, capsys):
    monkeypatch.setenv("LABKIT_COMMAND", "./lab")
    output.tell("Next: labkit up")
    output.tell_lines("one\nlabkit down")
    output.complain(output.LabError("labkit up is for the lab's owner.", "labkit env"))
    printed = capsys.readouterr()
    assert printed.out == "Next: ./lab up\none\n./lab down\n"
    assert printed.err == "✗ ./lab up is for the lab's owner.\n  → ./lab env\n"


# ── Tab ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

COMPLETE = """
eval "$(./lab completion bash)"
complete -p lab >&2
COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_lab_completion ./lab
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(folder, words):
    """What bash completes, with the script that click makes."""
    script = folder / "lab"
    script.write_text(f'#!/bin/sh\nLABKIT_COMMAND=$0 exec "{sys.executable}" -m labkit "$@"\n')
    script.chmod(0o755)
    result = subprocess.run(
        ["bash", "-c", COMPLETE.format(words=words)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(folder)},
    )
    assert result.stderr == "complete -o nosort -F _lab_completion lab\n"
    return result.stdout.split()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("./lab ch", ["check"]),
        ("./lab check 0", [slug for slug in exercises.slugs() if slug.startswith("0")]),
        ("./lab check 02-tag 02", []),
        ("./lab reset 03", ["03-push"]),
        ("./lab hint 03-push ''", [check.id for check in exercises.load("03-push").checks]),
        ("./lab hint 03-psh ''", []),
        ("./lab answer 06 c", ["ci="]),
        ("./lab shell w", ["workstation", "worker1", "worker2"]),
        ("./lab up --with ''", ["ci", "cloud", "depot", "kubernetes", "mirror", "registry", "tools"]),
        ("./lab up --det", ["--detach"]),
    ],
)
def test_tab_completes(tmp_path, words, found):
    assert completed(tmp_path, words) == found


def test_tab_completes_in_jupyterlabs_terminals(tmp_path):
    """In a real terminal, and asked for at the first Tab only."""
    import pty
    import select

    rc = ROOT / "labkit" / "jupyter" / "terminal.bashrc"
    pid, terminal = pty.fork()
    if not pid:
        path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        env = {"PATH": path, "HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path), "TERM": "xterm"}
        os.execvpe("bash", ["bash", "--rcfile", str(rc), "-i"], env)
    shown = b""

    def read(word):
        nonlocal shown
        while word not in shown:
            assert select.select([terminal], [], [], 20)[0], shown
            shown += os.read(terminal, 65536)

    try:
        read(b"# " if os.geteuid() == 0 else b"$ ")
        os.write(terminal, b"labkit check 03\t")
        read(b"labkit check 03-push ")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)


def test_a_shell_without_completion_is_told(monkeypatch):
    monkeypatch.setenv("SHELL", "/bin/dash")
    assert told("completion") == (
        2,
        "✗ There is no completion for the shell 'dash'.\n  → labkit completion bash\n",
    )
    status, text = told("completion", "zsh")
    assert (status, "#compdef labkit" in text) == (0, True)
    monkeypatch.setenv("LABKIT_COMMAND", "./lab")
    status, text = told("completion", "zsh")
    assert status == 2 and "zsh completes only commands on your PATH" in text


# ── reset ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def resets(monkeypatch):
    """What is reset, in place of a lab."""
    from labkit.cli import solve

    done = []
    monkeypatch.setattr(solve.find, "current", lambda: "lab")
    monkeypatch.setattr(solve.resets, "reset", lambda lab, chosen, say: done.append([one.slug for one in chosen]))
    monkeypatch.setattr(solve.resets, "reset_all", lambda lab, say: done.append("all"))
    return done


def test_without_a_name_nothing_is_cleared_unasked(resets):
    status, text = told("reset")
    assert (status, resets) == (2, [])
    assert "there is nobody to ask" in text and "labkit reset --all" in text
    assert told("reset", "05", "--all")[0] == 2
    assert resets == []
    assert told("reset", "--all")[0] == 0
    assert "05-deploy was reset." in told("reset", "05")[1]
    assert resets == ["all", ["05-deploy"]]


@pytest.mark.parametrize(("answer", "done"), [("y\n", ["all"]), ("n\n", []), ("\n", [])])
def test_on_a_terminal_it_asks(resets, monkeypatch, answer, done):
    from labkit.cli import solve

    monkeypatch.setattr(solve, "_is_terminal", lambda: True)
    status, text = told("reset", input=answer)
    assert (status, resets) == (0, done)
    assert "Clear the whole lab: all images, services and sign-ins? [y/N]" in text
    assert ("Nothing was changed." in text) == (not done)


def test_all_that_has_help_has_a_sentence():
    context = click.Context(cli)
    for name in COMMANDS:
        found = cli.get_command(context, name)
        assert found.help.splitlines()[0].endswith("."), name


# ── new ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A course inside an installed package, and a folder in which an author types."""
    package, here = tmp_path / "site-packages" / "_course", tmp_path / "here"
    for name in ("exercises", "solutions", "notebooks"):
        shutil.copytree(ROOT / name, package / name)
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(paths, "PACKAGED", package)
    monkeypatch.setenv("LABKIT_COURSE", "")  # so that what the command sets is taken back
    return package


def test_a_new_exercise_is_never_written_into_the_installed_package(installed):
    before = sorted(installed.rglob("*"))
    status, text = told("new", "07-clean")
    assert status == 0, text
    copy = Path.cwd() / "course"
    assert f"Wrote {copy}/exercises/07-clean/checks.py" in text
    assert f"export LABKIT_COURSE={copy}" in text
    assert (copy / "solutions" / "07-clean" / "solve.sh").exists()
    assert (copy / "exercises" / "03-push" / "lesson.md").exists()
    assert sorted(installed.rglob("*")) == before


def test_a_second_one_goes_into_the_same_copy(installed, monkeypatch):
    told("new", "07-clean")
    monkeypatch.setenv("LABKIT_COURSE", "")
    assert told("new", "08-more")[0] == 0
    assert {"07-clean", "08-more"} <= {one.name for one in (Path.cwd() / "course" / "exercises").iterdir()}


def test_the_installed_notebooks_are_not_written_over(installed):
    status, text = told("notebooks")
    assert status == 2
    assert "can't be changed" in text and "LABKIT_COURSE" in text


def test_a_course_of_ones_own_is_written_into(tmp_path, monkeypatch):
    for name in ("exercises", "solutions", "notebooks"):
        shutil.copytree(ROOT / name, tmp_path / "mine" / name)
    monkeypatch.setenv("LABKIT_COURSE", str(tmp_path / "mine"))
    monkeypatch.chdir(tmp_path)
    status, text = told("new", "07-clean")
    assert (status, "LABKIT_COURSE" in text) == (0, False)
    assert (tmp_path / "mine" / "exercises" / "07-clean").is_dir()
    assert not (tmp_path / "course").exists()
