"""One page of the panel, for an exercise or the start page: what it shows, and what its clicks do."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from labkit import paths, reporting, session, talking
from labkit.content import messages
from labkit.content.exercises import Exercise
from labkit.errors import LabError
from labkit.grading.grade import grade
from labkit.lab.engine import doctor
from labkit.lab.looking import watch
from labkit.lab.looking.sight import Sight
from labkit.lab.playing.reset import reset
from labkit.seen.lab import Unobserved
from labkit.view import compose, plain, render
from labkit.view.render import Explained, Work
from labkit.work import answers, attempts

if TYPE_CHECKING:
    from labkit.jupyter.pages import Pages, Tell


QUIETLY = ("--detach", "--no-jupyter")
"""How the panel runs `up`: JupyterLab is already running."""

EXTENDED = "1h"
"""The new time limit of *Extend*, from now on."""


class Page:
    """What it sends to everyone who looks at it, as messages:

    {"shown": [part, …], "labels": {part: name for a screen reader}}   first
    {"parts": {part: HTML}}                                            those that changed
    {"say": sentence}                                                  for a screen reader
    {"fly": "build" | "push" | "pull", …}                              an image came to be or moved (view/motion.py)
    """

    def __init__(self, pages: "Pages", shown: tuple[str, ...], exercise: Exercise | None = None) -> None:
        self._pages, self._shown, self._exercise = pages, shown, exercise
        self._tells: list[Tell] = []
        self.parts: dict[str, str] = {}
        """The HTML that was sent last."""
        self._done: bool | None = None
        """Whether the exercise was done when it was last shown; None before that."""
        self._checked = ("", 0)
        """The answer to the last Check, and the points in it."""
        self._explained: Explained | None = None

    # ── showing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def looked_at(self) -> bool:
        return bool(self._tells)

    def add(self, tell: "Tell") -> None:
        """Somebody begins to look. If others look at this page already, they get the same at once."""
        tell({"shown": list(self._shown), "labels": {name: render.LABELS[name] for name in self._shown}})
        if not self._tells:
            self.parts = {}
        elif self.parts:
            tell({"parts": self.parts})
        self._tells.append(tell)

    def remove(self, tell: "Tell") -> None:
        if tell in self._tells:
            self._tells.remove(tell)
        if not self._tells:
            self._done = None

    def show(self, sight: Sight) -> None:
        """Shows this sight, and writes nothing. Parts that have not changed are not sent again."""
        if not self._tells:
            return
        shared = self._pages
        view = compose.view(
            self._shown,
            self._exercise,
            sight,
            shared.work,
            shared.failed,
            self._explained,
            shared.findings,
            shared.changes.rows,
            shared.help.taught,
        )
        ends = sight.lab.plan.deadline if sight.lab else 0.0
        checked, points = self._checked
        answer = checked if view.result and view.result.earned == points else ""
        view = replace(view, checked=answer, ends=ends, help=shared.help, read=talking.read(paths.home()))
        html = render.parts(view)
        changed = {name: one for name, one in html.items() if self.parts.get(name) != one}
        self.parts = html
        if changed:
            self.send({"parts": changed})

    def keep(self, sight: Sight) -> None:
        """If the exercise has just been completed, records the attempt and says so. Raises LabError."""
        if not self._tells or sight.lab is None:
            return
        if self._done is None:
            self._begin(sight)
        if self._exercise is None or sight.observation is None:
            return
        report = grade([self._exercise], sight.observation)
        before, self._done = self._done, report.exercises[0].done
        if self._done and before is False:
            self.say(f"{self._exercise.slug} is done.")
            if attempts.keep_attempt(sight.lab.work, report):
                reporting.changed(sight.lab.work)

    def _begin(self, sight: Sight) -> None:
        """The first sight since somebody began to look. Raises LabError."""
        self._done = False if self._exercise is None else self._done
        if "doctor" in self._shown and not self._pages.findings:
            self._pages.pool.submit(self.act, {"do": "doctor", "arg": ""})
        if lacking := self._lacking(sight):
            words = ["up", *QUIETLY, *(f"--with={name}" for name in lacking)]
            title = f"Starting what this exercise needs: {', '.join(lacking)}"
            self._pages.pool.submit(self._pages.run, title, words)
        if self._exercise and sight.lab:
            attempts.keep_opened(sight.lab.work, self._exercise.slug)

    def _lacking(self, sight: Sight) -> list[str]:
        """Parts beyond the standard lab that the exercise needs and the running lab does not have."""
        if self._exercise is None or sight.lab is None or sight.state != "up":
            return []
        return [name for name in self._exercise.extras if name not in sight.lab.plan.extras]

    def broke(self, error: Exception) -> None:
        """Says why the page could not show the last sight."""
        told = str(error) if isinstance(error, LabError) else f"The panel itself broke: {type(error).__name__}: {error}"
        notice = render.parts(render.View(shown=("notice",), failed=told))
        self.parts |= notice
        self.send({"parts": notice})

    def send(self, message: dict[str, Any]) -> None:
        for tell in list(self._tells):
            tell(message)

    def say(self, text: str) -> None:
        """For screen readers only: the panel shows the same."""
        self.send({"say": text})

    # ── clicks ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def act(self, content: dict[str, Any]) -> None:
        """Does what a click asks for. Errors are shown in the panel."""
        shared, what, arg = self._pages, str(content.get("do")), str(content.get("arg", ""))
        known: dict[str, Callable[[], None]] = {
            "check": self._check,
            "reset": self._reset,
            "hint": lambda: self._hint(arg),
            "explain": lambda: self._explain(content.get("printed", [])),
            "answer": lambda: self._answer({arg: str(content.get("text", ""))}),
            "hand": lambda: self._hand(True, str(content.get("text", ""))),
            "lower": lambda: self._hand(False),
            "read": lambda: self._read(arg),
            "reflect": lambda: self._answer({"reflection": str(content.get("text", ""))}),
            "start": self._start,
            "extend": lambda: shared.run("Giving the lab more time", ["up", *QUIETLY, f"--time-limit={EXTENDED}"]),
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
        if self.tries and not self._try():
            return
        result = session.graded([self._chosen().slug], tell=self._note).exercises[0]
        told = [f"{check.claim} {check.message}" for check in result.checks if check.message and check.earned == 0]
        self._done = result.done
        answer = f"Checked at {time.strftime('%H:%M:%S')}: {result.earned} of {result.points} points."
        self._checked = (answer, result.earned)
        self.say(f"{answer} {' '.join(told[:1])}")

    @property
    def tries(self) -> bool:
        """Whether a Check tries something first, which takes a while."""
        return self._exercise is not None and bool(self._exercise.trial)

    def _try(self) -> bool:
        """Has the exercise's trial played, and shows how far it is; False where something long goes on already."""
        from labkit.lab import find

        shared, begun = self._pages, time.monotonic()

        def tell(text: str) -> None:
            shared.work = Work("Trying what you made", text, seconds=round(time.monotonic() - begun))
            shared.show()

        if shared.work:
            return False
        try:
            session.tried(find.current(), self._chosen(), tell)
        finally:
            shared.work = None
            shared.show()
        return True

    def _note(self, text: str) -> None:
        self._pages.failed = text

    def _reset(self) -> None:
        from labkit.lab import find

        exercise = self._chosen()
        reset(find.current(), [exercise])
        self.say(f"{exercise.slug} was reset. Your attempts are kept.")

    def _hint(self, check: str) -> None:
        from labkit.lab import find

        lab = find.current()
        self.say(session.next_hint(lab.work, self._chosen(), check, lab.person))

    def _last(self) -> Sight | None:
        return self._pages.watch.last if self._pages.watch else None

    def _explain(self, printed: Any) -> None:
        """`printed`: the output of the notebook's docker cells, the one that ran last first."""
        sight = self._last()
        outputs = [one for one in printed if isinstance(one, str)] if isinstance(printed, list) else []
        failed = next((one for one in outputs if messages.find(one) or messages.complaint(one)), "")
        self._explained = compose.explain(failed, sight.observation if sight else None)
        self.say(plain.explained(self._explained))

    def _answer(self, given: dict[str, str]) -> None:
        if not any(given.values()) and "reflection" not in given:
            raise LabError("No answer is chosen.", "choose one, then Answer")
        sight = self._last()
        answers.save(sight.lab.work if sight and sight.lab else paths.home().work, self._chosen().slug, given)

    def _hand(self, up: bool, said: str = "") -> None:
        there = talking.place(paths.home())
        if there is None:
            raise LabError("This lab belongs to no classroom.", "labkit classroom join ADDRESS")
        talking.say(there, up, said)
        self.say("Your hand is raised. Your instructor sees it." if up else "Your hand is lowered.")

    def _read(self, number: str) -> None:
        if number.isdecimal():
            talking.put_away(paths.home(), int(number))

    def _start(self) -> None:
        self._pages.run("Starting the lab", ["up", *QUIETLY])

    def _stop(self) -> None:
        self._pages.run("Stopping the lab", ["down", "--keep-jupyter"])

    def _restart(self) -> None:
        self._pages.run("Stopping the old lab", ["down", "--keep-jupyter"])
        if not self._pages.failed:
            self._start()

    def _look_at_machine(self) -> None:
        self._pages.findings = tuple(doctor.examine())
