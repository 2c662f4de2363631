"""Drives JupyterLab in Chromium as a learner does: with the mouse, or with nothing but the keyboard."""

import contextlib
import json
import os
import shutil
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from labkit.lab.engine import packages

PATIENCE = 30_000
"""Milliseconds that anything may take to show."""

SOON = 4500
"""Milliseconds: less than the watch's heartbeat, so that it was an event that told (labkit/lab/looking/watch.py)."""

CELL = "# Type "
"""How the comment in the learner's own cells begins."""

OWN = "%%bash\n# Type your commands here\n"
"""Such a cell, as it is written anew."""


def chromium():
    """Path of a Chromium, installed from the distribution's packages where there is none and we may."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    assert shutil.which("apt-get") and os.geteuid() == 0, "no Chromium here: apt-get install chromium"
    packages.install("chromium")
    return shutil.which("chromium")


@contextlib.contextmanager
def browser(*words):
    """A Chromium, with these words of its command line. Networks that come and go beside the test do not disturb it."""
    steady = Path(__file__).with_name("steady.py")
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(
            executable_path=steady,
            args=["--no-sandbox", "--disable-gpu", *words],
            env={**os.environ, "CHROMIUM": chromium()},
        )
        yield one
        one.close()


def listened(page):
    """The page; what goes wrong in it is in its `errors`: scripts that broke, and what its policy of the content blocked."""
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda line: page.errors.append(line.text) if line.type == "error" else None)
    return page


CUT = "net::ERR_ABORTED"
"""How Chromium cuts a request by a reload of the page."""

OPENED = """const wait = setInterval(() => {
  if (!window.jupyterapp?.commands) return;
  clearInterval(wait);
  window.jupyterapp.commands.commandExecuted.connect((_, command) => {
    if (command.id === 'filebrowser:open-path') command.result.finally(() => window.openedByAddress = true) }) }, 1)"""
"""Notes in the page that JupyterLab has opened the notebook of its address."""


class Learner:
    """A person before JupyterLab. `url` is what `labkit status` prints."""

    def __init__(self, browser, url, width=1280, height=720, **options):
        self.page = browser.new_page(viewport={"width": width, "height": height}, **options)
        self.page.set_default_timeout(PATIENCE)
        self.page.add_init_script(OPENED)
        self.failed, self.cut = [], 0
        self.page.on("pageerror", lambda error: self.failed.append(str(error)))
        self.page.on("requestfailed", self._note_cut)
        self.base, self.token = url.split("?")
        self.file = None

    def _note_cut(self, request):
        self.cut += request.failure == CUT and "/labkit/" not in request.url

    @property
    def errors(self):
        """The page's errors, but for JupyterLab's own fetches that were cut: it leaves some of them unhandled (the list of
        checkpoints, 4.6). The panel's are never excused."""
        cut = [error for error in self.failed if error.endswith("Failed to fetch")]
        return [error for error in self.failed if error not in cut] + cut[self.cut :]

    # ── notebooks ────────────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, file, reset=True):
        """Opens a notebook, in a fresh workspace or in the one that there is, and waits for its kernel and its panel."""
        self.page.goto(f"{self.base}/tree/{file}?{self.token}{'&reset' if reset else ''}")
        self.shown(file)

    def shown(self, file):
        """Waits until this notebook is before us with its panel, and its kernel rests."""
        self.file = file
        self.notebook.locator(".jp-Cell:visible").first.wait_for()
        self.page.wait_for_function(
            "file => { const main = window.jupyterapp ? [...window.jupyterapp.shell.widgets('main')] : [];"
            " const w = main.find(one => one.context?.path === file && one.isVisible);"
            " return w?.sessionContext?.session?.kernel?.connectionStatus === 'connected'"
            " && w.sessionContext.session.kernel.status === 'idle' }",
            arg=file,
        )
        slug = file.removesuffix(".ipynb")
        self.panel.locator(f".lk[data-page='{'start' if slug == '00-start' else slug}']").wait_for()
        self.part("course").wait_for()

    def restart_kernel(self):
        self.book("book.parent.sessionContext.session.kernel.restart().then(() => null)")
        self.shown(self.file)

    def reload(self, file):
        """Loads the page anew, as F5 does, and waits until JupyterLab has opened the address's notebook a second time: it
        does so seconds after it has restored its tabs (router:tree), and would take us back from wherever we went since."""
        self.page.reload()
        if "/tree/" in self.page.url:  # it is not where the panel had the focus
            self.page.wait_for_function("window.openedByAddress")
        self.shown(file)

    @property
    def notebook(self):
        return self.page.locator(".jp-NotebookPanel:visible")

    def book(self, script, arg=None):
        """What a script says of the notebook before us, `book` in it, whatever has the focus."""
        find = "[...window.jupyterapp.shell.widgets('main')].find(one => one.context?.path === file && one.isVisible)?.content"
        return self.page.evaluate(f"([file, arg]) => {{ const book = {find}; return {script} }}", [self.file, arg])

    def find(self, text, nth=0):
        """The number of the nth cell with this text."""
        sources = self.book("book.widgets.map(cell => cell.model.sharedModel.source)")
        return [number for number, source in enumerate(sources) if text in source][nth]

    def cell(self, text, nth=0):
        """The nth cell with this text, in sight: JupyterLab draws no others."""
        number = self.find(text, nth)
        self.book("book.scrollToItem(arg)", number)
        return self.notebook.locator(f".jp-Cell[data-windowed-list-index='{number}']")

    def run(self, cell):
        """Runs a cell with Shift+Enter and waits until it ended."""
        before = cell.locator(".jp-InputPrompt").inner_text()
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Shift+Enter")
        expect(cell.locator(".jp-InputPrompt")).not_to_have_text(before)
        self.ended(cell)

    def ended(self, cell):
        expect(cell.locator(".jp-InputPrompt")).not_to_have_text("[*]:", timeout=90_000)

    def begin(self, commands, nth=0, first=OWN):
        """Writes commands into the learner's own cell, and returns the cell."""
        cell = self.cell(CELL, nth)
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(first + commands)
        return cell

    def type(self, commands, nth=0, first=OWN):
        """The same, runs it, and returns what it printed."""
        cell = self.begin(commands, nth, first)
        self.run(cell)
        return cell.locator(".jp-Cell-outputArea").inner_text()

    # ── the panel ────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def panel(self):
        return self.page.locator("#labkit-panel:visible")

    def part(self, name):
        return self.panel.locator(f"[data-part={name}]")

    def check(self, name):
        return self.part("checks").locator(f"[data-key='{name}']")

    def press(self, name, part=None):
        """Clicks a button by its name, in a fold too."""
        if part:
            self.unfold(part)
        where = self.part(part) if part else self.panel
        where.get_by_role("button", name=name, exact=False).first.click()

    def follow(self, file, part):
        """Opens a notebook by a button in this part."""
        self.unfold(part)
        self.part(part).locator(f"[data-ui=open][data-arg='{file}']").first.click()
        self.shown(file)

    def unfold(self, part):
        """Opens the fold that a part is."""
        for fold in self.part(part).locator(":scope > details:not([open]) > summary").all():
            fold.click()

    def points(self, text, timeout=PATIENCE):
        expect(self.part("checks").locator(".lk-sum").first).to_contain_text(text, timeout=timeout)

    def picture(self):
        """{box title: [[name, letter]]} as the panel shows it."""
        return self.part("picture").evaluate(
            """part => Object.fromEntries([...part.querySelectorAll('[data-box]')].map(box => [box.dataset.box,
                 [...box.querySelectorAll('[data-name]')].map(row => [row.dataset.name, row.dataset.mark])]))"""
        )

    def row(self, box, name):
        """A row of the picture, in the box whose title begins so."""
        return self.part("picture").locator(f"[data-box^='{box}'] [data-name='{name}']").first

    def in_sight(self, *seen):
        """Fails where one of these is not inside the window as it is, nothing scrolled."""
        assert self.panel.evaluate("panel => [...panel.querySelectorAll('*')].every(one => one.scrollTop === 0)")
        for one in seen:
            hidden = one.evaluate(HIDDEN)
            assert not hidden, f"{one.inner_text()!r} is out of sight: {hidden}"

    # ── the divider ──────────────────────────────────────────────────────────────────────────────────────────────────

    def places(self):
        """Where notebook and panel stand."""
        return self.notebook.bounding_box(), self.panel.bounding_box()

    def drag_divider(self, by):
        """Moves the divider between notebook and panel to the right."""
        handle = self.page.locator(".lm-DockPanel-handle:visible").bounding_box()
        x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + by, y, steps=5)
        self.page.mouse.up()

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
        here, there = self.active(), self.find(text, nth)
        for _ in range(abs(there - here)):
            self.page.keyboard.press("ArrowDown" if there > here else "ArrowUp")

    def active(self):
        return self.book("book.activeCellIndex")

    def run_here(self):
        """Runs the selected cell with Shift+Enter and waits until it ended."""
        number = self.active()
        self.page.keyboard.press("Shift+Enter")
        self.page.wait_for_function(
            """([file, number]) => { const book = [...window.jupyterapp.shell.widgets('main')].find(one => one.context?.path === file);
                 const cell = book.content.widgets[number].model;
                 return cell.type !== 'code' || (cell.executionCount && cell.executionState !== 'running') }""",
            arg=[self.file, number],
            timeout=90_000,
        )

    def write(self, nth, *lines):
        """Goes to the learner's nth own cell, types lines at its end, and runs it."""
        if self.panel.evaluate("panel => panel.contains(document.activeElement)"):
            self.into_notebook()
        self.page.keyboard.press("Escape")
        self.select(CELL, nth)
        self.page.keyboard.press("Enter")
        self.page.keyboard.press("Control+End")
        for line in lines:
            self.page.keyboard.insert_text("\n" + line)
        self.run_here()

    def into_panel(self, name):
        """From the notebook into the panel, with JupyterLab's own key; presses Enter there."""
        if not self.panel.evaluate("panel => panel.contains(document.activeElement)"):
            self.page.keyboard.press("Escape")
            self.page.keyboard.press("Control+Shift+.")
            self.page.wait_for_function("document.querySelector('#labkit-panel').contains(document.activeElement)")
        self.tab_to(name)
        self.page.keyboard.press("Enter")

    def into_notebook(self):
        self.page.keyboard.press("Control+Shift+,")
        self.page.wait_for_function("document.activeElement.closest('.jp-NotebookPanel')")

    def unfold_here(self, part):
        """In the panel: goes by Tab to the fold that a part is, and opens it."""
        fold = "part => document.querySelector(`#labkit-panel [data-part=${part}] > details > summary`)"
        if self.page.evaluate(f"part => !({fold})(part) || ({fold})(part).parentElement.open", part):
            return
        for _ in range(250):
            if self.page.evaluate(f"part => document.activeElement === ({fold})(part)", part):
                self.page.keyboard.press("Enter")
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the fold of {part} cannot be reached by Tab")

    def choose(self, question, answer):
        """In the panel: goes on to a question's choices, moves to this one with the arrow keys, and answers."""
        for _ in range(60):
            if self.page.evaluate("document.activeElement.name") == question:
                break
            self.page.keyboard.press("Tab")
        for _ in range(5):
            self.page.keyboard.press("ArrowDown")
            if answer in self.focused():
                break
        assert answer in self.focused(), f"{question!r} has no choice {answer!r}"
        self.tab_to("Answer")
        self.page.keyboard.press("Enter")

    def focused(self):
        return self.page.evaluate(
            """() => { const one = document.activeElement;
                 if (!['A', 'BUTTON', 'INPUT', 'SELECT', 'SUMMARY', 'TEXTAREA'].includes(one.tagName)) return one.tagName;
                 return one.getAttribute('aria-label') || one.closest('label')?.innerText || one.innerText || one.tagName }"""
        )


HIDDEN = """one => { const {left, right, top, bottom, width, height} = one.getBoundingClientRect();
  if (!width || !height) return 'it has no size';
  const panel = document.querySelector('#labkit-panel').getBoundingClientRect();
  if (left < panel.left - 1 || right > panel.right + 1 || top < panel.top - 1 || bottom > Math.min(panel.bottom, innerHeight) + 1)
    return `${Math.round(left)}…${Math.round(right)} × ${Math.round(top)}…${Math.round(bottom)}, the panel ends at ${Math.round(panel.bottom)}`;
  const above = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
  return one.contains(above) || above?.closest('[data-fly], .lk-fly') ? '' : `something covers it: ${above?.className}` }"""
"""Why an element of the panel cannot be seen."""


def address(lab_status):
    return json.loads(lab_status)["jupyter"]
