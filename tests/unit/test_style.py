"""ruff, the formatter and the type checker have nothing to say; the documents' links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "words",
    [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)],
    ids=["lint", "format", "types"],
)
def test_the_tools_have_nothing_to_say(words):
    result = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_exercises_are_typed_too(tmp_path):
    """All of them in one run: mypy wants a name of its own for each, and theirs are checks.py."""
    for file in (ROOT / "exercises").glob("*/checks.py"):
        (tmp_path / f"exercise_{file.parent.name.replace('-', '_')}.py").write_text(file.read_text())
    words = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), str(tmp_path)]
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{len(list(tmp_path.glob('*.py')))} source files" in result.stdout


def documents():
    return [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("file", documents(), ids=lambda one: one.name)
def test_links_lead_somewhere(file):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", file.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (file.parent / target).exists(), f"{file.name} links to {target}"


def test_shell_scripts_parse():
    for script in [
        ROOT / "lab",
        *ROOT.glob("labkit/lab/image/*.sh"),
        *ROOT.glob("solutions/*/*.sh"),
        ROOT / ".ci" / "run",
    ]:
        subprocess.run(["bash", "-n", str(script)], check=True)


def test_ci_calls_the_readmes_test_command_and_nothing_else():
    lines = [
        line for line in (ROOT / ".ci" / "run").read_text().splitlines() if not line.startswith(("#", "set", "cd"))
    ]
    assert lines == ["exec ./lab test"]
    assert "./lab test" in (ROOT / "README.md").read_text()


def script(name):
    """A script of docs/ as a module."""
    import importlib.util

    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_and_schemas_are_those_that_the_code_makes():
    for file, text in script("schemas").made().items():
        assert file.read_text() == text, f"run: .venv/bin/python docs/schemas.py   ({file.name})"


def test_the_tables_of_attacks_and_faults_are_those_of_the_tests():
    for page, text in script("proofs").made().items():
        assert page.read_text() == text, f"run: .venv/bin/python docs/proofs.py   ({page.name})"


@pytest.mark.parametrize(("marker", "least"), [("fault", 40)])
def test_so_many_are_tried_at_least(marker, least):
    found = script("proofs").proofs(marker)
    assert len({proof.texts for proof in found}) == len(found), "two rows say the same"
    assert len(found) >= least


def test_a_marker_that_makes_no_row_is_told():
    checked = script("proofs").checked
    assert checked("attack", ("files", "a", "b"), "here") == ("files", "a", "b")
    for marker, texts, told in [
        ("attack", ("files", "a"), "here: @pytest.mark.attack takes 3 texts, not ('files', 'a')"),
        ("fault", ("a", " "), "here: @pytest.mark.fault takes 2 texts"),
        ("attack", ("file", "a", "b"), "here: no kind of attack 'file': one of protocol, identity"),
    ]:
        with pytest.raises(ValueError, match=re.escape(told)):
            checked(marker, texts, "here")


def test_the_documents_pictures_are_those_that_the_script_makes():
    import struct

    screenshots = script("screenshots")
    documents = [ROOT / "README.md", ROOT / "docs/instructing.md"]
    shown = {
        (document.parent / one).resolve()
        for document in documents
        for one in re.findall(r"!\[[^\]]{20,}\]\(([^)]+)\)", document.read_text())
    }
    assert shown == {screenshots.place(name) for name in screenshots.SIZES}
    for name, size in screenshots.SIZES.items():
        data = screenshots.place(name).read_bytes()
        assert data.startswith(b"\x89PNG")
        assert struct.unpack(">II", data[16:24]) == size
