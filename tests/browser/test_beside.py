"""The panel stands beside the notebook: always, once, where the learner put it, and as dead as what it tells of."""

import re
import shutil
import subprocess
import sys
import sysconfig
import time
from datetime import datetime
from pathlib import Path

import pytest
from driver import SOON, Learner, address
from helpers import ROOT, labkit, labkit_json, shell, until
from playwright.sync_api import expect


def widgets(learner):
    """How many panels this JupyterLab has."""
    return learner.page.locator("#labkit-panel").count()


def test_no_cell_is_run_and_the_kernel_does_not_matter(chromium, jupyterlab, fresh):
    learner = Learner(chromium, jupyterlab())
    # What it asks first is cut, as when the machine's network changes: it asks again.
    learner.page.route(re.compile(r"/labkit/pages\?"), lambda route: route.abort("connectionreset"), times=1)
    learner.open("01-login.ipynb")
    learner.points("0 of 3")
    left, right = learner.places()
    assert left["x"] + left["width"] <= right["x"]
    assert abs(left["width"] - right["width"]) < 20, "each has half"
    picture = learner.notebook.locator(".jp-RenderedMarkdown img").first
    assert picture.evaluate("img => 14 * img.width / img.naturalWidth") >= 12, "its smallest letters, in px"
    assert learner.page.evaluate("document.activeElement.closest('.jp-NotebookPanel') !== null"), (
        "typing goes to the notebook"
    )
    learner.restart_kernel()
    shell(fresh, "docker login -u myusername -p mypassword")
    learner.points("3 of 3", timeout=SOON)
    learner.page.evaluate("window.jupyterapp.commands.execute('runmenu:run-all')")
    learner.reload("01-login.ipynb")
    learner.points("3 of 3")
    assert widgets(learner) == 1
    assert learner.errors == []
    learner.page.close()


def test_clicks_leave_the_focus_where_one_types(chromium, jupyterlab, fresh):
    learner = Learner(chromium, jupyterlab())
    learner.open("01-login.ipynb")
    learner.begin("docker login -u myusername")
    learner.press("Check", "checks")
    expect(learner.part("checks")).to_contain_text("0 of 3 points.")
    learner.page.keyboard.insert_text(" -p mypassword")
    learner.page.keyboard.press("Shift+Enter")
    learner.points("3 of 3", timeout=SOON)
    learner.page.close()


def test_it_follows_the_notebook_that_is_active_and_nothing_covers_it(chromium, jupyterlab, fresh):
    learner = Learner(chromium, jupyterlab())
    page = learner.page
    learner.open("02-tag.ipynb")
    learner.unfold("course")
    learner.part("course").locator("summary, h3").first.click()
    learner.follow("03-push.ipynb", "course")
    learner.points("0 of 4")
    page.get_by_role("tab", name="02-tag.ipynb").click()
    learner.shown("02-tag.ipynb")
    learner.points("0 of 3")
    # Something is opened while the panel has the focus: it comes among the notebooks.
    page.evaluate("document.querySelector('#labkit-panel .lk').parentElement.focus()")
    page.evaluate("window.jupyterapp.commands.execute('docmanager:open', {path: '04-pull.ipynb'})")
    learner.shown("04-pull.ipynb")
    learner.points("0 of 3")
    left, right = learner.places()
    assert left["x"] + left["width"] <= right["x"]
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save-all')")  # it would ask
    page.evaluate("window.jupyterapp.commands.execute('application:close-all')")
    page.locator(".jp-Launcher").wait_for()
    page.evaluate("window.jupyterapp.commands.execute('docmanager:open', {path: '03-push.ipynb'})")
    learner.shown("03-push.ipynb")
    assert widgets(learner) == 1
    assert learner.errors == []
    page.close()


def test_the_divider_stays_where_the_learner_left_it(chromium, jupyterlab, fresh):
    learner = Learner(chromium, jupyterlab())
    learner.open("01-login.ipynb")
    learner.drag_divider(-150)
    moved = learner.places()[1]["width"]
    assert moved > 700
    until(lambda: saved(learner), "the layout is kept", 10)
    learner.reload("01-login.ipynb")
    assert abs(learner.places()[1]["width"] - moved) < 5
    assert widgets(learner) == 1
    learner.page.close()
    again = Learner(chromium, jupyterlab())
    again.open("01-login.ipynb", reset=False)
    assert abs(again.places()[1]["width"] - moved) < 5
    again.page.close()


def saved(learner):
    """Whether JupyterLab has kept that the panel is more than half."""
    return learner.page.evaluate(
        """async () => { const main = (await window.jupyterapp.serviceManager.workspaces.fetch('default'))
             .data['layout-restorer:data']?.main?.dock?.sizes; return main && main[1] > 0.55 }"""
    )


def test_on_a_small_screen_it_stands_below(chromium, jupyterlab, fresh):
    learner = Learner(chromium, jupyterlab(), width=800, height=900)
    learner.open("01-login.ipynb")
    upper, lower = learner.places()
    assert upper["y"] + upper["height"] <= lower["y"]
    learner.page.close()


def test_a_lost_server_is_seen_and_found_again(chromium, jupyterlab, fresh):
    learner = Learner(chromium, jupyterlab())
    learner.open("01-login.ipynb")
    lost = learner.panel.locator("[data-lost]")
    expect(lost).to_be_hidden()
    learner.page.context.set_offline(True)
    shown = learner.page.evaluate("window.jupyterapp.serviceManager.serverSettings.baseUrl")
    assert shown
    # What is open goes on; a click does not arrive.
    learner.press("Check", "checks")
    expect(lost).to_contain_text("does not answer")
    expect(learner.part("checks")).to_have_attribute("inert", "")
    learner.page.context.set_offline(False)
    expect(lost).to_be_hidden()
    shell(fresh, "docker login -u myusername -p mypassword")
    learner.points("3 of 3")
    # The server ends: the panel says so, and what to do.
    from labkit.jupyter import server

    server.stop()
    expect(lost).to_contain_text("labkit up")
    expect(learner.part("checks")).to_have_attribute("inert", "")
    labkit("up", "--detach", check=0)
    learner.page.close()
    learner = Learner(chromium, jupyterlab())
    learner.open("01-login.ipynb")
    learner.points("3 of 3")
    learner.page.close()


def test_the_last_ten_minutes_are_counted(chromium, jupyterlab, fresh):
    """The browser's clock is set on, as the lab's time limit is hours away."""
    from labkit.lab import find

    learner = Learner(chromium, jupyterlab())
    ends = find.current().plan.deadline
    learner.page.clock.install(time=ends - 700)
    learner.open("01-login.ipynb")
    notice = learner.part("notice")
    expect(notice.locator("[data-ends]")).to_be_hidden()
    learner.page.clock.fast_forward(160_000)
    expect(notice).to_contain_text("This lab ends in 9 minutes")
    expect(notice.get_by_role("button", name="Extend")).to_be_visible()
    learner.page.clock.fast_forward(510_000)
    expect(notice).to_contain_text("less than a minute")
    learner.page.close()


def test_extend_gives_the_lab_more_time(chromium, jupyterlab, fresh):
    labkit("up", "--detach", "--time-limit", "9m", check=0)
    learner = Learner(chromium, jupyterlab())
    learner.open("01-login.ipynb")
    notice = learner.part("notice")
    expect(notice).to_contain_text("This lab ends in")
    pressed = time.time()
    learner.press("Extend", "notice")
    until(lambda: ends() >= pressed + 3599, "it has an hour")
    assert ends() <= time.time() + 3601
    expect(notice.locator(".lk-notice:visible")).to_have_count(0)
    learner.points("0 of 3")
    learner.page.close()


def ends():
    """When the lab's time is over."""
    return datetime.fromisoformat(labkit_json("status", "--json")["ends"]).timestamp()


def test_at_the_end_of_its_time_the_lab_goes_and_jupyterlab_stays_and_says_so(chromium, jupyterlab, fresh):
    from labkit.lab import find

    learner = Learner(chromium, jupyterlab())
    learner.open("01-login.ipynb")
    learner.type("docker login -u myusername -p mypassword")
    learner.points("3 of 3")
    labkit("up", "--detach", "--time-limit", "5s", check=0)
    notice = learner.part("notice")
    expect(notice).to_contain_text("The lab's time ended at", timeout=60_000)
    until(lambda: find.any_engine() is None, "the keeper has ended the lab")
    expect(notice.get_by_role("button", name="Start the lab")).to_be_visible()
    assert learner.page.locator("[data-lost]:visible").count() == 0, "JupyterLab's server answers"
    expect(notice).to_contain_text("Your folder and your attempts are kept.")
    learner.reload("01-login.ipynb")
    expect(learner.part("notice")).to_contain_text("The lab's time ended at")
    learner.press("Start the lab", "notice")
    learner.points("0 of 3", timeout=90_000)
    expect(learner.part("notice").locator(".lk-notice:visible")).to_have_count(0, timeout=30_000)
    assert learner.errors == []
    learner.page.close()


def test_a_link_under_an_error_explains_it_in_the_panel(chromium, jupyterlab, fresh):
    learner = Learner(chromium, jupyterlab())
    learner.open("03-push.ipynb")
    learner.type("docker push myusername/nothing:v9")
    code = "from IPython.display import HTML, display; import sys\n"
    code += "print('Error response from daemon: manifest unknown', file=sys.stderr)\n"
    code += "display(HTML('<a href=\"#labkit-explain\">What does this mean?</a>'))"
    learner.type(code, first="# Type docker\n")
    learner.notebook.get_by_role("link", name="What does this mean?").click()
    expect(learner.part("tools")).to_contain_text("manifest unknown")
    learner.page.wait_for_function(
        "document.querySelector('#labkit-panel [data-part=tools]').getBoundingClientRect().top < innerHeight"
    )
    learner.page.close()


def test_who_closes_all_tabs_finds_the_way_back(chromium, jupyterlab, fresh):
    learner = Learner(chromium, jupyterlab())
    learner.open("02-tag.ipynb")
    learner.page.evaluate("window.jupyterapp.commands.execute('docmanager:save-all')")  # it would ask
    learner.page.evaluate("window.jupyterapp.commands.execute('application:close-all')")
    learner.page.locator(".jp-Launcher").get_by_text("Start Page").click()
    learner.shown("00-start.ipynb")
    assert learner.errors == []
    learner.page.close()


def test_in_notebook_7_it_stays_away(chromium, jupyterlab, fresh):
    """There JupyterLab's shell is not: nothing is asked of what stands in its place, so nothing can break."""
    learner = Learner(chromium, jupyterlab())
    learner.open("01-login.ipynb")
    told = learner.page.evaluate(NOTEBOOK_7)
    assert told == {"required": ["notebooks"], "gave": "nothing"}
    learner.page.close()


NOTEBOOK_7 = """async () => {
  const extension = await import('/lab/extensions/labkit-panel/static/extension.js');
  const shared = async (name) => {
    if (name === '@jupyterlab/launcher') throw new Error('it has none');
    return { INotebookTracker: 'notebooks', ILabShell: 'lab', ILayoutRestorer: 'restorer', ICommandPalette: 'palette' };
  };
  const plugin = await extension.plugin(shared);
  const gave = plugin.activate(null, null, null);
  return { required: plugin.requires, gave: gave === undefined ? 'nothing' : gave };
}"""
"""Activates the panel as Notebook 7 would: without JupyterLab's shell and its launcher, and with an application that allows nothing."""


@pytest.fixture(scope="module")
def oldest(tmp_path_factory):
    """A Python that has the oldest JupyterLab that labkit takes, and the rest as this one has it."""
    folder = tmp_path_factory.mktemp("jupyterlab-4.4")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    install = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "jupyterlab>=4.4,<4.5"]
    subprocess.run([python, *install], check=True, capture_output=True, text=True)
    here = Path(
        subprocess.check_output(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
        ).strip()
    )
    (here / "labkit-beside.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT}\n")
    yield python
    shutil.rmtree(folder)


def test_the_oldest_jupyterlab_has_it_too(chromium, jupyterlab, fresh, oldest):
    from labkit.jupyter import server

    server.stop()
    started = subprocess.run([oldest, "-m", "labkit", "up", "--detach"], capture_output=True, text=True, timeout=180)
    assert started.returncode == 0, started.stderr
    try:
        learner = Learner(chromium, address(labkit("status", "--json").stdout))
        learner.open("01-login.ipynb")
        assert learner.page.evaluate("window.jupyterapp.version").startswith("4.4.")
        learner.type("docker login -u myusername -p mypassword")
        learner.points("3 of 3", timeout=SOON)
        learner.restart_kernel()
        learner.drag_divider(-150)
        moved = learner.places()[1]["width"]
        until(lambda: saved(learner), "the layout is kept", 10)
        learner.reload("01-login.ipynb")
        assert abs(learner.places()[1]["width"] - moved) < 5
        learner.follow("02-tag.ipynb", "checks")
        assert widgets(learner) == 1
        assert learner.errors == []
        learner.page.close()
    finally:
        server.stop()
        labkit("up", "--detach", check=0)
