"""The panels of a kernel: one watch for all of them, and a widget each that shows a view and takes clicks."""

import atexit
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from labkit import paths, session
from labkit.content.exercises import Exercise
from labkit.errors import LabError
from labkit.jupyter import failures
from labkit.lab.engine import doctor
from labkit.lab.engine.doctor import Finding
from labkit.lab.looking import watch
from labkit.lab.looking.watch import Sight, Watch
from labkit.lab.playing.reset import reset
from labkit.seen.observation import Unobserved
from labkit.view import compose, feed, render
from labkit.view.render import LABELS, Explained, Work
from labkit.work import answers
from labkit.work import attempts as progress

HERE = Path(__file__).parent
MIME = "application/vnd.jupyter.widget-view+json"
WAYS = {"push": "push", "pull": "pull"}


class Widget(anywidget.AnyWidget):
    """Holds the HTML of each part; JupyterLab's copy of it is kept the same by ipywidgets."""

    _esm = (HERE / "vendor" / "morphdom.js").read_text() + (HERE / "panel.js").read_text()
    _css = (HERE.parent / "view" / "panel.css").read_text()
    shown = traitlets.List(traitlets.Unicode()).tag(sync=True)
    labels = traitlets.Dict(LABELS).tag(sync=True)
    notice = traitlets.Unicode().tag(sync=True)
    checks = traitlets.Unicode().tag(sync=True)
    quiz = traitlets.Unicode().tag(sync=True)
    picture = traitlets.Unicode().tag(sync=True)
    feed = traitlets.Unicode().tag(sync=True)
    tools = traitlets.Unicode().tag(sync=True)
    course = traitlets.Unicode().tag(sync=True)
    lab = traitlets.Unicode().tag(sync=True)
    doctor = traitlets.Unicode().tag(sync=True)


class Desk:
    """What the panels of this kernel share: the watch, one worker for what takes long, and the last sight."""

    def __init__(self) -> None:
        self.watch = Watch()
        self.pool = ThreadPoolExecutor(2, thread_name_prefix="labkit-panel")
        self.panels: dict[tuple[str, str], Panel] = {}
        self.work: Work | None = None
        self.failed = ""
        self.explained: Explained | None = None
        self.findings: tuple[Finding, ...] = ()
        self._seq: int | None = None
        self._lock = threading.Lock()
        self.watch.listen(self.tell)

    def tell(self, sight: Sight) -> None:
        """A new sight: every panel shows it, and what moved since the last one flies."""
        self.show(sight)
        if sight.observation is None:
            return
        moved = feed.lines(sight.observation)
        newest = max((line.seq for line in moved), default=0)
        since, self._seq = self._seq, newest
        if since is not None:
            ways = {WAYS[line.action] for line in moved if line.seq > since and line.ok and line.action in WAYS}
            for panel in list(self.panels.values()):
                for way in sorted(ways):
                    panel.send({"fly": way})

    def show(self, sight: Sight | None = None) -> None:
        with self._lock:
            sight = sight or self.watch.last
            if sight:
                for panel in list(self.panels.values()):
                    try:
                        panel.show(sight)
                    except Exception as error:  # the other panels, and the watch, go on
                        panel.broke(error)

    def long(self, title: str, words: list[str]) -> None:
        """Runs a labkit command and shows its steps as they come."""
        if self.work:
            return
        began, steps = time.monotonic(), LONG.get(words[0], 3)
        self.failed, self.work = "", Work(title, "starting", 0, steps)
        self.show()
        command = [sys.executable, "-m", "labkit", *words]
        # Steps come as lines only where no terminal is; ipykernel sets FORCE_COLOR, which says that there is one.
        env = {**os.environ, "PYTHONUNBUFFERED": "1", "FORCE_COLOR": ""}
        process = subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert process.stdout is not None
        printed, done = [], 0
        for line in process.stdout:
            printed.append(line.rstrip())
            if step := STEP.match(line):
                done += 1
                self.work = Work(title, step[1], min(done, steps - 1), steps, round(time.monotonic() - began))
                self.show()
        process.wait()
        self.work = None
        told = [line for line in printed if not STEP.match(line)]
        self.failed = " ".join(told[-3:]) if process.returncode else ""
        self.watch.wake()
        self.show()


STEP = re.compile(r"\[ *\d+ s\] (.*)")
"""A line of progress (cli.py)."""

LONG = {"up": 3, "down": 2}
"""About how many steps each command tells of."""

_desk: Desk | None = None


def desk() -> Desk:
    """This kernel's desk, made at first use."""
    global _desk  # noqa: PLW0603  (one watch for all panels of a kernel)
    if _desk is None:
        _desk = Desk()
        atexit.register(_desk.watch.stop)
    return _desk


class Panel:
    """Shows itself as a widget in JupyterLab, as HTML where there are no widgets, and as text anywhere else."""

    def __init__(self, shown: tuple[str, ...], exercise: Exercise | None = None, slug: str = "") -> None:
        self._shown, self._exercise = shown, exercise
        self._key = (slug or (exercise.slug if exercise else "start"), shown[-1])
        self._widget: Widget | None = None
        self._done: bool | None = None

    # ── showing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _view(self, sight: Sight) -> render.View:
        if not live():
            findings = tuple(doctor.examine()) if "doctor" in self._shown else ()
            return compose.view(self._shown, self._exercise, sight, doctor=findings)
        own = desk()
        return compose.view(self._shown, self._exercise, sight, own.work, own.failed, own.explained, own.findings)

    def __repr__(self) -> str:
        return render.text(self._view(watch.look()))

    def _repr_html_(self) -> str:
        return render.static(self._view(watch.look()))

    def _repr_mimebundle_(self, **_: Any) -> Any:
        sight = watch.look()
        view = self._view(sight)
        plain = {"text/plain": render.text(view)}
        if not live():
            return {**plain, "text/html": render.static(view)}
        self._open(sight)
        assert self._widget is not None
        return {**plain, MIME: {"version_major": 2, "version_minor": 0, "model_id": self._widget.model_id}}

    def _open(self, sight: Sight) -> None:
        own = desk()
        if old := own.panels.pop(self._key, None):
            old.close()
        self._widget = Widget(shown=list(self._shown))
        _answer_during_cells(self._widget)
        self._widget.on_msg(lambda _widget, content, _buffers: own.pool.submit(self.act, content))
        if self._exercise and sight.lab and "checks" in self._shown:
            try:
                progress.keep_opened(sight.lab.work, self._exercise.slug)
            except LabError as error:
                own.failed = str(error)
        own.panels[self._key] = self
        self.show(sight)
        if "doctor" in self._shown and not own.findings:
            own.pool.submit(self.act, {"do": "doctor", "arg": ""})

    def close(self) -> None:
        if self._widget:
            self._widget.close()
            self._widget = None

    def show(self, sight: Sight) -> None:
        """Shows this sight. What did not change is not sent again."""
        if self._widget is None:
            return
        view = self._view(sight)
        for name, html in render.parts(view).items():
            if getattr(self._widget, name) != html:
                setattr(self._widget, name, html)
        done = view.result.done if view.result else None
        if done and self._done is False and self._exercise and sight.lab and "checks" in self._shown:
            self.say(f"{self._exercise.slug} is done.")
            session.graded([self._exercise.slug])
        self._done = done

    def broke(self, error: Exception) -> None:
        """Says what kept the panel from showing the last sight."""
        told = str(error) if isinstance(error, LabError) else f"The panel itself broke: {type(error).__name__}: {error}"
        view = render.View(shown=("notice",), failed=told)
        if self._widget:
            self._widget.notice = render.parts(view)["notice"]

    def send(self, message: dict[str, str]) -> None:
        if self._widget:
            self._widget.send(message)

    def say(self, text: str) -> None:
        """For screen readers, and for nobody else: the same is to be seen in the panel."""
        self.send({"say": text})

    # ── clicks ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def act(self, content: dict[str, Any]) -> None:
        """Does what a click asks for. What goes wrong is shown in the panel."""
        own, what, arg = desk(), str(content.get("do")), str(content.get("arg", ""))
        known: dict[str, Callable[[], None]] = {
            "check": self._check,
            "reset": self._reset,
            "hint": lambda: self._hint(arg),
            "explain": self._explain,
            "answer": lambda: self._answer({arg: str(content.get("text", ""))}),
            "reflect": lambda: self._answer({"reflection": str(content.get("text", ""))}),
            "start": lambda: own.long("Starting the lab", ["up", "--detach", "--no-jupyter"]),
            "stop": lambda: own.long("Stopping the lab", ["down", "--keep-jupyter"]),
            "restart": self._restart,
            "doctor": self._look_at_machine,
        }
        try:
            if what in known:
                own.failed = ""
                known[what]()
        except (LabError, Unobserved, OSError) as error:
            own.failed = str(error)
            self.say(own.failed)
        except Exception as error:  # a click that nothing answers would be the worst answer
            own.failed = f"The panel itself broke at {what!r}: {type(error).__name__}: {error}"
        own.show(watch.look() if what in ("check", "reset") else None)

    def _slug(self) -> str:
        if self._exercise is None:
            raise LabError("This panel belongs to no exercise.", 'panel("03-push")')
        return self._exercise.slug

    def _check(self) -> None:
        result = session.graded([self._slug()]).exercises[0]
        told = [f"{check.claim} {check.message}" for check in result.checks if check.message and check.earned == 0]
        self._done = result.done
        self.say(f"{result.earned} of {result.points} points. {' '.join(told[:1])}")

    def _reset(self) -> None:
        from labkit.lab import find

        assert self._exercise is not None
        reset(find.current(), [self._exercise])
        self.say(f"{self._slug()} is as it was before. Your attempts are kept.")

    def _hint(self, check: str) -> None:
        from labkit.lab import find

        lab = find.current()
        assert self._exercise is not None
        self.say(session.next_hint(lab.work, self._exercise, check, lab.person))

    def _explain(self) -> None:
        own = desk()
        seen = own.watch.last.observation if own.watch.last else None
        own.explained = compose.explain(failures.memory.last(), seen)
        self.say(render.explained(own.explained))

    def _answer(self, given: dict[str, str]) -> None:
        if not any(given.values()) and "reflection" not in given:
            raise LabError("No answer is chosen.", "choose one, then Answer")
        sight = desk().watch.last
        answers.save(sight.lab.work if sight and sight.lab else paths.home().work, self._slug(), given)

    def _restart(self) -> None:
        own = desk()
        own.long("Stopping the old lab", ["down", "--keep-jupyter"])
        if not own.failed:
            own.long("Starting the lab", ["up", "--detach", "--no-jupyter"])

    def _look_at_machine(self) -> None:
        desk().findings = tuple(doctor.examine())


def _answer_during_cells(widget: Widget) -> None:
    """Has clicks arrive while a cell runs. JupyterLab sends them by a subshell of their own, but ipykernel 7.4 takes them for
    answers to what the main thread said (ipykernel/comm/comm.py: _reply_subshell_for) and lets them wait for it."""
    if hasattr(widget.comm, "_reply_subshell_for"):
        widget.comm._reply_subshell_for = lambda _data, default: default


def live() -> bool:
    """Whether this is a kernel of JupyterLab's, where widgets show: a Jupyter server names the session (jupyter_server,
    sessionmanager.py: JPY_SESSION_NAME), nbconvert and VS Code do not."""
    return "JPY_SESSION_NAME" in os.environ and "ipykernel" in sys.modules


def known_names() -> list[str]:
    """Every name of an image that the lab knows, for completion; none before a panel was shown."""
    sight = _desk.watch.last if _desk else None
    if sight is None or sight.observation is None:
        return []
    seen = sight.observation
    names: set[str] = set()
    try:
        for key, prefix in (("hub", ""), ("private", "registry.lab:5000/")):
            for repository, tags in seen.registry(key).repositories.items():
                names |= {f"{prefix}{repository}:{tag}" for tag in tags}
        names |= set(seen.workstation.tags)
    except Unobserved:
        pass
    return sorted(names)
