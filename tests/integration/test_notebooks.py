"""Each notebook runs unsolved, where nothing breaks and nothing is given away, and solved."""

import nbformat
import pytest
from helpers import ROOT
from nbclient import NotebookClient

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
        yield


@pytest.mark.parametrize("name", NAMES)
def test_unsolved_nothing_breaks_and_nothing_is_given_away(lab, name):
    from labkit.content import exercises

    cells = run(lab, name)
    output = "".join(text for _, text in cells)
    assert "Traceback" not in output
    slug = name.removesuffix(".ipynb")
    if slug not in exercises.slugs():
        return
    exercise = exercises.load(slug)
    assert f"0/{exercise.points} points" in output
    solution = (ROOT / "solutions" / slug / "solve.sh").read_text().splitlines()
    given = output + "".join(cell.source for cell, _ in cells)
    assert not [line for line in solution if line.startswith("docker ") and line in given]
    for one in exercise.quiz:
        assert f"{one['id']}={one['right']}" not in given


@pytest.mark.parametrize("name", [one for one in NAMES if not one.startswith("00")])
def test_solved_every_check_passes(lab, name):
    from labkit.authoring import solutions
    from labkit.content import exercises

    exercise = exercises.load(name.removesuffix(".ipynb"))
    solutions.solve(lab, exercise)
    output = "".join(text for _, text in run(lab, name))
    assert f"{exercise.points}/{exercise.points} points" in output, output
    assert "Traceback" not in output


def test_typing_the_commands_into_the_cells_solves_it(lab):
    """The learner's own cell, filled in as the lesson prints it."""
    from labkit.lab import environment

    notebook = nbformat.read(ROOT / "notebooks" / "01-login.ipynb", as_version=4)
    cell = next(one for one in notebook.cells if one.source.startswith("%%bash\n# Type"))
    cell.source += "\ndocker login -u myusername -p mypassword"
    variables = {**environment.process(lab), "PYTHONPATH": str(ROOT)}
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(lab.work)}}).execute(env=variables)
    assert "Login Succeeded" in "".join(_text(output) for output in cell.outputs)
    assert "3/3 points" in _text(notebook.cells[-1].outputs[-1])
