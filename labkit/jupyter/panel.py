"""A panel: shows a view as a widget, as HTML or as text, and does what its clicks ask for."""

import os
import sys
from collections.abc import Callable
from typing import Any

from labkit import paths, session
from labkit.content.exercises import Exercise
from labkit.errors import LabError
from labkit.grading.grade import grade
from labkit.jupyter.kernel import Kernel
from labkit.jupyter.widget import Widget
from labkit.jupyter.workarounds import answer_during_cells
from labkit.lab.engine import doctor
from labkit.lab.looking import watch
from labkit.lab.looking.sight import Sight
from labkit.lab.playing.reset import reset
from labkit.seen.lab import Unobserved
from labkit.view import compose, plain, render
from labkit.work import answers, attempts

MIME = "application/vnd.jupyter.widget-view+json"


class Panel:
    """Shows itself as a widget in JupyterLab, as HTML where there are no widgets, and as text anywhere else."""

    def __init__(self, kernel: Kernel, shown: tuple[str, ...], exercise: Exercise | None = None) -> None:
        self._kernel, self._shown, self._exercise = kernel, shown, exercise
        self._widget: Widget | None = None
        self._done: bool | None = None
        """Whether the exercise was done when it was last told of; None before that."""

    # ── showing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _view(self, sight: Sight) -> render.View:
        if not live():
            findings = tuple(doctor.examine()) if "doctor" in self._shown else ()
            return compose.view(self._shown, self._exercise, sight, doctor=findings)
        shared = self._kernel.panels
        return compose.view(
            self._shown, self._exercise, sight, shared.work, shared.failed, shared.explained, shared.findings
        )

    def __repr__(self) -> str:
        return plain.text(self._view(watch.look()))

    def _repr_html_(self) -> str:
        return render.static(self._view(watch.look()))

    def _repr_mimebundle_(self, **_: Any) -> Any:
        sight = watch.look()
        view = self._view(sight)
        told = {"text/plain": plain.text(view)}
        if not live():
            return {**told, "text/html": render.static(view)}
        widget = self._open(sight)
        return {**told, MIME: {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}}

    def _open(self, sight: Sight) -> Widget:
        shared = self._kernel.panels
        widget = self._widget = Widget(shown=list(self._shown))
        answer_during_cells(widget.comm)
        widget.on_msg(lambda _widget, content, _buffers: shared.pool.submit(self.act, content))
        if self._exercise and sight.lab and "checks" in self._shown:
            try:
                attempts.keep_opened(sight.lab.work, self._exercise.slug)
            except LabError as error:
                shared.failed = str(error)
        shared.open((self._exercise.slug if self._exercise else "start", self._shown[-1]), self)
        self.show(sight)
        self.keep(sight)
        if "doctor" in self._shown and not shared.findings:
            shared.pool.submit(self.act, {"do": "doctor", "arg": ""})
        if lacking := self._lacking(sight):
            words = ["up", "--detach", "--no-jupyter", *(f"--with={name}" for name in lacking)]
            shared.pool.submit(shared.run, f"Starting what this exercise needs: {', '.join(lacking)}", words)
        return widget

    def _lacking(self, sight: Sight) -> list[str]:
        """Parts beyond the standard lab that the exercise needs and the lab, which is up, has not got."""
        if self._exercise is None or sight.lab is None or sight.state != "up":
            return []
        return [name for name in self._exercise.extras if name not in sight.lab.plan.extras]

    def close(self) -> None:
        if self._widget:
            self._widget.close()
            self._widget = None

    def show(self, sight: Sight) -> None:
        """Shows this sight, and writes nothing. What did not change is not sent again."""
        if self._widget is None:
            return
        for name, html in render.parts(self._view(sight)).items():
            if getattr(self._widget, name) != html:
                setattr(self._widget, name, html)

    def keep(self, sight: Sight) -> None:
        """Keeps the attempt with which the exercise is done now and was not before, and says so. Raises LabError."""
        if self._exercise is None or "checks" not in self._shown or sight.lab is None or sight.observation is None:
            return
        report = grade([self._exercise], sight.observation)
        before, self._done = self._done, report.exercises[0].done
        if self._done and before is False:
            self.say(f"{self._exercise.slug} is done.")
            attempts.keep_attempt(sight.lab.work, report)

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
        shared, what, arg = self._kernel.panels, str(content.get("do")), str(content.get("arg", ""))
        known: dict[str, Callable[[], None]] = {
            "check": self._check,
            "reset": self._reset,
            "hint": lambda: self._hint(arg),
            "explain": self._explain,
            "answer": lambda: self._answer({arg: str(content.get("text", ""))}),
            "reflect": lambda: self._answer({"reflection": str(content.get("text", ""))}),
            "start": self._start,
            "stop": self._stop,
            "restart": self._restart,
            "doctor": self._look_at_machine,
        }
        try:
            if what in known:
                shared.failed = ""
                known[what]()
        except (LabError, Unobserved, OSError) as error:
            shared.failed = str(error)
            self.say(shared.failed)
        except Exception as error:  # a click that nothing answers would be the worst answer
            shared.failed = f"The panel itself broke at {what!r}: {type(error).__name__}: {error}"
        shared.show(watch.look() if what in ("check", "reset") or (what == "answer" and paths.home().guest) else None)

    def _chosen(self) -> Exercise:
        if self._exercise is None:
            raise LabError("This panel belongs to no exercise.", 'panel("03-push")')
        return self._exercise

    def _check(self) -> None:
        result = session.graded([self._chosen().slug], tell=self._note).exercises[0]
        told = [f"{check.claim} {check.message}" for check in result.checks if check.message and check.earned == 0]
        self._done = result.done
        self.say(f"{result.earned} of {result.points} points. {' '.join(told[:1])}")

    def _note(self, text: str) -> None:
        self._kernel.panels.failed = text

    def _reset(self) -> None:
        from labkit.lab import find

        exercise = self._chosen()
        reset(find.current(), [exercise])
        self.say(f"{exercise.slug} is as it was before. Your attempts are kept.")

    def _hint(self, check: str) -> None:
        from labkit.lab import find

        lab = find.current()
        self.say(session.next_hint(lab.work, self._chosen(), check, lab.person))

    def _explain(self) -> None:
        shared = self._kernel.panels
        seen = shared.watch.last.observation if shared.watch.last else None
        shared.explained = compose.explain(shared.memory.last(), seen)
        self.say(plain.explained(shared.explained))

    def _answer(self, given: dict[str, str]) -> None:
        if not any(given.values()) and "reflection" not in given:
            raise LabError("No answer is chosen.", "choose one, then Answer")
        sight = self._kernel.panels.watch.last
        answers.save(sight.lab.work if sight and sight.lab else paths.home().work, self._chosen().slug, given)

    def _start(self) -> None:
        self._kernel.panels.run("Starting the lab", ["up", "--detach", "--no-jupyter"])

    def _stop(self) -> None:
        self._kernel.panels.run("Stopping the lab", ["down", "--keep-jupyter"])

    def _restart(self) -> None:
        self._kernel.panels.run("Stopping the old lab", ["down", "--keep-jupyter"])
        if not self._kernel.panels.failed:
            self._start()

    def _look_at_machine(self) -> None:
        self._kernel.panels.findings = tuple(doctor.examine())


def live() -> bool:
    """Whether this is a kernel of JupyterLab's, where widgets show: a Jupyter server names the session (jupyter_server,
    sessionmanager.py: JPY_SESSION_NAME), nbconvert and VS Code do not."""
    return "JPY_SESSION_NAME" in os.environ and "ipykernel" in sys.modules
