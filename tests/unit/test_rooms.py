"""The architecture: arrows point one way, and the command starts fast."""

import ast
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
}


COMMON = ("labkit.errors", "labkit.paths", "labkit.__version__")
OPEN = {}
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


def test_one_module_creates_containers():
    for file in PACKAGE.rglob("*.py"):
        if file.name != "create.py":
            assert "DockerContainer" not in file.read_text(), file


def test_the_command_imports_nothing_slow():
    code = "import sys, labkit.cli; print(*sorted(m for m in ('docker', 'rich', 'testcontainers', 'IPython') if m in sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout.strip() == ""


def test_observing_and_grading_import_nothing_slow():
    code = (
        "import sys; from labkit import session; from labkit.lab import find; from labkit.lab.looking import observe;"
        "print(*sorted(m for m in ('docker', 'requests', 'rich', 'testcontainers', 'trustme') if m in sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout.strip() == ""
