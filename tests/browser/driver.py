"""Drives JupyterLab in Chromium as a learner does: with the mouse, or with nothing but the keyboard."""

import contextlib
import json
import os
import shutil
import subprocess

from playwright.sync_api import expect, sync_playwright

PATIENCE = 30_000
"""Milliseconds that anything may take to show."""

SOON = 4500
"""Milliseconds: less than the watch's heartbeat, so that it was an event that told (labkit/lab/looking/watch.py)."""

BENIGN = "[anywidget] Failed to initialize model."
"""What anywidget says, two seconds later, of a widget that was closed while it was still loading: a cell that was run again
just after the page was loaded. Whether a panel works is what the tests look at."""

CELL = "# Type your commands below this line"
AGAIN = f"%%bash\n{CELL}, then run the cell: Shift+Enter\n"


def chromium():
    """Path of a Chromium, installed from the distribution's packages where there is none and we may."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    assert shutil.which("apt-get") and os.geteuid() == 0, "no Chromium here: apt-get install chromium"
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "-q", "update"], env=env, capture_output=True)
    done = subprocess.run(["apt-get", "-q", "install", "-y", "chromium"], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return shutil.which("chromium")


@contextlib.contextmanager
def browser():
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        yield one
        one.close()


class Learner:
    """A person before JupyterLab. `url` is what `labkit status` prints."""

    def __init__(self, browser, url, width=1400, height=1000, **options):
        self.page = browser.new_page(viewport={"width": width, "height": height}, **options)
        self.page.set_default_timeout(PATIENCE)
        self.errors = []
        self.page.on("pageerror", lambda error: BENIGN in str(error) or self.errors.append(str(error)))
        self.base, self.token = url.split("?")
        self.file = None

    # ── notebooks ────────────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, file):
        """Opens a notebook in a fresh workspace, and waits for its kernel."""
        self.page.goto(f"{self.base}/tree/{file}?{self.token}&reset")
        self.shown(file)

    def shown(self, file):
        """Waits until this notebook is before us and its kernel rests."""
        self.file = file
        self.notebook.locator(".jp-Cell").first.wait_for()
        self.page.wait_for_function(
            "file => { const w = window.jupyterapp?.shell.currentWidget; return w?.context?.path === file"
            " && w.sessionContext?.session?.kernel?.connectionStatus === 'connected'"
            " && w.sessionContext.session.kernel.status === 'idle' }",
            arg=file,
        )

    def reload(self, file):
        """Loads the page anew, as F5 does, and waits until JupyterLab has opened the address's notebook a second time: it
        does so seconds after it has restored its tabs (router:tree), and would take us back from wherever we went since."""
        self.page.reload()
        self.page.wait_for_function("window.jupyterapp?.commands")
        self.page.evaluate(
            """() => new Promise(done => window.jupyterapp.commands.commandExecuted.connect((_, command) => {
                 if (command.id === 'filebrowser:open-path') command.result.finally(done) }))"""
        )
        self.shown(file)

    @property
    def notebook(self):
        return self.page.locator(".jp-NotebookPanel:visible")

    @property
    def cells(self):
        return self.notebook.locator(".jp-CodeCell")

    def cell(self, text, nth=0):
        return self.cells.filter(has=self.page.locator(".cm-content", has_text=text)).nth(nth)

    def run(self, cell):
        """Runs a cell with Shift+Enter and waits until it ended."""
        before = cell.locator(".jp-InputPrompt").inner_text()
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Shift+Enter")
        expect(cell.locator(".jp-InputPrompt")).not_to_have_text(before)
        self.ended(cell)

    def ended(self, cell):
        expect(cell.locator(".jp-InputPrompt")).not_to_have_text("[*]:", timeout=90_000)

    def panel(self):
        """Runs the cell with the panel and returns the panel."""
        self.run(self.cell("import panel"))
        found = self.part("checks").locator("xpath=..")
        found.wait_for()
        return found

    def type(self, commands, nth=0):
        """Types commands into the learner's own cell, runs it, and returns what it printed."""
        cell = self.cell(CELL, nth) if isinstance(nth, int) else nth
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(AGAIN + commands)
        self.run(cell)
        return cell.locator(".jp-Cell-outputArea").inner_text()

    # ── the panel ────────────────────────────────────────────────────────────────────────────────────────────────────

    def part(self, name):
        return self.notebook.locator(f"[data-part={name}]").first

    def check(self, name):
        return self.part("checks").locator(f"[data-key='{name}']")

    def press(self, name, part=None):
        """Clicks a button by its name."""
        where = self.part(part) if part else self.notebook
        where.get_by_role("button", name=name, exact=False).first.click()

    def points(self, text, timeout=PATIENCE):
        expect(self.part("checks").locator(".lk-sum").first).to_contain_text(text, timeout=timeout)

    def picture(self):
        """{box title: {(name, letter)}} as the wide drawing shows it."""
        return self.part("picture").evaluate(
            """part => Object.fromEntries([...part.querySelectorAll('svg.lk-wide g')].map(box => [
                 box.querySelector('.lk-title').lastChild.textContent,
                 [...box.querySelectorAll('.lk-name')].map(name => {
                   const full = name.querySelector('title')?.textContent ?? name.textContent;
                   let mark = name.previousElementSibling;
                   return [full, mark?.classList.contains('lk-letter') ? mark.textContent : ''];
                 })]))"""
        )

    # ── the keyboard ─────────────────────────────────────────────────────────────────────────────────────────────────

    def tab_to(self, name, most=250, back=False):
        """Presses Tab until what has the focus is named so. Fails where it cannot be reached."""
        for _ in range(most):
            if name in self.focused():
                return
            self.page.keyboard.press("Shift+Tab" if back else "Tab")
        raise AssertionError(f"{name!r} cannot be reached by Tab; the focus is on {self.focused()!r}")

    def select(self, text, nth=0):
        """Moves to the nth cell with this text by the arrow keys, in command mode."""
        here, there = self.page.evaluate(
            """([text, nth]) => { const book = window.jupyterapp.shell.currentWidget.content;
                 const fit = book.widgets.map((cell, n) => [cell.model.sharedModel.source, n]).filter(one => one[0].includes(text));
                 return [book.activeCellIndex, fit[nth][1]] }""",
            [text, nth],
        )
        for _ in range(abs(there - here)):
            self.page.keyboard.press("ArrowDown" if there > here else "ArrowUp")

    def active(self):
        return self.page.evaluate("window.jupyterapp.shell.currentWidget.content.activeCellIndex")

    def run_here(self):
        """Runs the selected cell with Shift+Enter and waits until it ended."""
        number = self.active()
        self.page.keyboard.press("Shift+Enter")
        self.page.wait_for_function(
            """number => { const cell = window.jupyterapp.shell.currentWidget.content.widgets[number].model;
                 return cell.type !== 'code' || (cell.executionCount && cell.executionState !== 'running') }""",
            arg=number,
            timeout=90_000,
        )

    def write(self, nth, *lines):
        """Goes to the learner's nth own cell, types lines at its end, and runs it."""
        self.page.keyboard.press("Escape")
        self.select(CELL, nth)
        self.page.keyboard.press("Enter")
        self.page.keyboard.press("Control+End")
        for line in lines:
            self.page.keyboard.insert_text("\n" + line)
        self.run_here()

    def begin(self):
        """In a notebook that was just opened: runs the title and the panel."""
        self.run_here()
        self.run_here()
        self.part("checks").wait_for()

    def into_panel(self, name):
        """From the notebook into the panel above: the cell below it, then Shift+Tab; presses Enter there."""
        self.page.keyboard.press("Escape")
        self.select("import panel")
        self.page.keyboard.press("ArrowDown")
        self.tab_to(name, back=True)
        self.page.keyboard.press("Enter")

    def choose(self, question, answer):
        """Goes back to a question's choices, moves to this one with the arrow keys, and answers."""
        for _ in range(40):
            if self.page.evaluate("document.activeElement.name") == question:
                break
            self.page.keyboard.press("Shift+Tab")
        for _ in range(5):
            self.page.keyboard.press("ArrowDown")
            if answer in self.focused():
                break
        self.tab_to("Answer")
        self.page.keyboard.press("Enter")

    def focused(self):
        return self.page.evaluate(
            """() => { const one = document.activeElement;
                 if (!['A', 'BUTTON', 'INPUT', 'SELECT', 'SUMMARY', 'TEXTAREA'].includes(one.tagName)) return one.tagName;
                 return one.getAttribute('aria-label') || one.closest('label')?.innerText || one.innerText || one.tagName }"""
        )


def address(lab_status):
    return json.loads(lab_status)["jupyter"]
