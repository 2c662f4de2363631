"""Each notebook runs unsolved, where nothing breaks and nothing is given away, and solved."""

import nbformat
import pytest
from helpers import ROOT
from nbclient import NotebookClient

from labkit import session
from labkit.jupyter import server as jupyter

NAMES = sorted(one.name for one in (ROOT / "notebooks").glob("*.ipynb"))


def run(lab, name):
    """Runs a notebook as learners get it in the lab's environment; returns (cell, its outputs as text)."""
    from labkit.lab import environment

    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        allow_errors=False,
        resources={"metadata": {"path": str(lab.work)}},
    )
    variables = {**environment.process(lab), "PYTHONPATH": str(ROOT)}
    client.execute(env=variables)
    return [
        (cell, "".join(_text(output) for output in cell.outputs)) for cell in notebook.cells if cell.cell_type == "code"
    ]


def _text(output):
    if output.output_type == "stream":
        return output.text
    return output.get("data", {}).get("text/plain", "")


@pytest.fixture(scope="module", autouse=True)
def _kernel_files(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        for name, value in jupyter.JUPYTER_PATH.items():
            patch.setenv(name, value)
        yield


BEGINS = ("13-kubernetes",)
"""Exercises with a cell that writes the file with which a learner begins: run again, it is there anew."""


def with_its_machines(lab, name):
    """The lab with what the lesson brings, as where somebody has opened it."""
    from labkit.authoring import solutions
    from labkit.content import exercises

    slug = name.removesuffix(".ipynb")
    return solutions.equipped(lab, exercises.load(slug)) if slug in exercises.slugs() else lab


def needs(exercise):
    """The exercises that it builds on: their solutions are no secret in it."""
    from labkit.content import exercises

    return {*exercise.needs, *(one for slug in exercise.needs for one in needs(exercises.load(slug)))}


@pytest.mark.parametrize("name", NAMES)
def test_unsolved_nothing_breaks_and_nothing_is_given_away(lab, name):
    from labkit.content import exercises

    cells = run(with_its_machines(lab, name), name)
    output = "".join(text for _, text in cells)
    assert "Traceback" not in output
    slug = name.removesuffix(".ipynb")
    if slug not in exercises.slugs():
        return
    exercise = exercises.load(slug)
    assert session.graded([slug]).exercises[0].earned == 0
    known = {line for needed in needs(exercise) for line in exercises.solution(needed).splitlines()}
    given = output + "".join(cell.source for cell, _ in cells)
    solution = set(exercises.solution(slug).splitlines()) - known
    assert not [line for line in solution if line.startswith("docker ") and line in given]
    for one in exercise.quiz:
        assert f"{one['id']}={one['right']}" not in given


@pytest.mark.parametrize("name", [one for one in NAMES if not one.startswith("00")])
def test_solved_every_check_passes(lab, name):
    from labkit.authoring import solutions
    from labkit.content import exercises

    exercise = exercises.load(name.removesuffix(".ipynb"))
    solutions.solve(lab, exercise)
    assert "Traceback" not in "".join(text for _, text in run(lab, name))
    if exercise.slug in BEGINS:
        solutions.solve(lab, exercise)
    assert session.graded([exercise.slug], wait=60).exercises[0].done


def test_typing_the_commands_into_the_cells_solves_it(lab):
    """The learner's own cell, filled in as the lesson prints it; what it changed is told under it."""
    from labkit.lab import environment

    notebook = nbformat.read(ROOT / "notebooks" / "01-login.ipynb", as_version=4)
    cell = next(one for one in notebook.cells if one.source.startswith("%%bash\n# Type"))
    cell.source = f"{cell.source.rstrip()}\ndocker login -u myusername -p mypassword"
    variables = {**environment.process(lab), "PYTHONPATH": str(ROOT), "JPY_SESSION_NAME": "01-login.ipynb"}
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(lab.work)}}).execute(env=variables)
    told = "".join(_text(output) for output in cell.outputs)
    assert "Login Succeeded" in told
    assert "✓ Exercise complete. Next: Tag an image" in told
    assert session.graded(["01-login"]).exercises[0].done
