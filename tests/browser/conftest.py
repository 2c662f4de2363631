"""JupyterLab as a learner has it, and a Chromium before it."""

import json
from urllib.request import Request, urlopen

import pytest
from driver import address, browser
from helpers import labkit


@pytest.fixture(scope="module")
def chromium(engine):
    """Ended with the module: while Playwright runs, its event loop is this thread's, and no test beside it can have its own."""
    with browser() as one:
        yield one


@pytest.fixture(scope="module")
def jupyterlab(started_lab):
    """JupyterLab as `labkit up` starts it, for the lab of the tests."""
    labkit("up", "--detach", check=0)
    yield lambda: address(labkit("status", "--json").stdout)
    from labkit.jupyter import server as jupyter
    from labkit.lab.lifecycle import keeper

    jupyter.stop()
    keeper.stop(started_lab.home)


def end_kernels(url):
    """Ends every kernel of this JupyterLab, so that no test finds another one's."""
    base, token = url.split("/lab?")

    def ask(path, method="GET"):
        request = Request(f"{base}/api/{path}?{token}", method=method)
        with urlopen(request, timeout=30) as answer:
            return answer.read()

    for session in json.loads(ask("sessions")):
        ask(f"sessions/{session['id']}", "DELETE")


@pytest.fixture
def fresh(lab):
    """The learner's folder as it was at first, and no kernel."""
    from labkit.jupyter import server as jupyter
    from labkit.work import files as workspace

    if server := jupyter.running():
        end_kernels(server.url)

    for file in lab.work.glob("*.ipynb"):
        file.unlink()
    for file in (lab.work / ".labkit").glob("*"):
        if file.is_file():  # what JupyterLab remembers is a folder
            file.unlink()
    workspace.prepare(lab.work)
    return lab
