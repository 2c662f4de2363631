"""The architecture: arrows point one way, and the command starts fast."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "labkit"

# A room may import from these rooms, itself, and errors and paths. Doors may import all.
ARROWS = {
    "seen": {"content"},  # the person, until it moves
    "content": {"seen"},
    "grading": {"content", "seen"},
    "work": {"content", "grading", "seen"},
    "lab": {
        "content",
        "seen",
        "work",
        "edge",
    },  # the edge's reader of images, so that both sides name content alike, and its registries' host names
    "view": {"lab", "work", "grading", "content", "seen"},
    "edge": None,
    "classroom": {
        "view",
        "lab",
        "work",
        "grading",
        "content",
        "seen",
        "jupyter",
    },  # whose server the hub starts for each
}


COMMON = ("labkit.errors", "labkit.paths", "labkit.text", "labkit.__version__")
OPEN = {"classroom": ("labkit.session", "labkit.reaching", "labkit.talking")}
"""Modules beside the rooms that all of them, or these, may import."""


def imports(file):
    """Modules of labkit that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.split(".")[0] == "labkit")
        elif (
            isinstance(node, ast.ImportFrom)
            and node.module
            and node.module.split(".")[0] == "labkit"
            and not node.level
        ):
            yield from (f"{node.module}.{one.name}" for one in node.names)


def room_of(module):
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and (PACKAGE / parts[1]).is_dir() else None


@pytest.mark.parametrize("room", sorted(ARROWS))
def test_arrows_point_one_way(room):
    allowed = ARROWS[room]
    for file in (PACKAGE / room).rglob("*.py"):
        for module in imports(file):
            target = room_of(module)
            assert allowed is not None, f"{file} imports {module}: the edge runs on its own"
            if target is None:
                known = {"labkit", *COMMON, *OPEN.get(room, ())}
                assert ".".join(module.split(".")[:2]) in known, f"{file} imports the door {module}"
            else:
                assert target in {room, *allowed}, f"{file} imports {module}"


def test_nothing_but_commands_imports_the_classroom():
    files = [file for file in PACKAGE.rglob("*.py") if file.relative_to(PACKAGE).parts[0] not in ("classroom", "cli")]
    assert [file for file in files if any(room_of(module) == "classroom" for module in imports(file))] == []


def libraries(file):
    """What a file imports, also inside functions, by the first part of its name."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def test_only_the_lifecycle_creates_containers():
    creating = {
        file.relative_to(PACKAGE).parent for file in PACKAGE.rglob("*.py") if "testcontainers" in libraries(file)
    }
    assert creating == {Path("lab/lifecycle")}


def loaded_by(code):
    """Modules that are there after this code has run."""
    command = [sys.executable, "-c", f"import sys; {code}; print(*sys.modules)"]
    return set(subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout.split())


def test_the_command_itself_is_small():
    loaded = loaded_by("import labkit.cli.main")
    ours = {name for name in loaded if name.split(".")[0] == "labkit"}
    small = {
        "labkit.cli",
        "labkit.cli.commands",
        "labkit.cli.main",
        "labkit.cli.output",
        "labkit.errors",
        "labkit.paths",
        "labkit.text",
    }
    assert ours == {"labkit", *small}


SLOW = {
    "fpdf",
    "nbgrader",
    "pylti1p3",
    "sqlalchemy",
    "alembic",
    "starlette",
    "uvicorn",
    "docker",
    "requests",
    "rich",
    "testcontainers",
    "trustme",
    "IPython",
    "ipywidgets",
    "anywidget",
    "jinja2",
}


def test_no_command_imports_anything_slow_before_it_runs():
    loaded = loaded_by("from labkit.cli.main import *; [cli.get_command(None, name) for name in COMMANDS]")
    assert "labkit.cli.up" in loaded
    assert loaded & SLOW == set()


def test_observing_and_grading_import_nothing_slow():
    loaded = loaded_by(
        "from labkit import session; from labkit.lab import find; from labkit.lab.looking import observe"
    )
    assert loaded & SLOW == set()


def test_the_architecture_page_names_every_module_and_no_other():
    page = (ROOT / "docs" / "architecture.md").read_text().partition("## The rooms")[2].partition("## The lab")[0]
    named = {word.rpartition("/")[2] for word in re.findall(r"`([a-z_/]+)`", page)}
    files = [file for file in PACKAGE.rglob("*.py") if not file.name.startswith("__")]
    assert {file.stem for file in files} - named - {"pytest_plugin", "inside"} == set()
