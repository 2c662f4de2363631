"""What the lab adds to IPython: how cells run commands, how a failed one is shown, `%%on MACHINE`, `%explain`, `%verdict`,
and the names that Tab completes. Every kernel of the lab loads it (share/jupyter/kernels).
"""

import re
import sys
from collections.abc import Callable
from subprocess import CalledProcessError
from typing import Any

from IPython.display import display

from labkit.content import messages
from labkit.errors import LabError, nearest
from labkit.jupyter import shells
from labkit.jupyter.failures import Failed, Ran
from labkit.jupyter.notebook import explained, here, kernel
from labkit.jupyter.shells import STUCK_STATUS
from labkit.jupyter.telling import Meaning, Message, Quiet

OURS = re.compile(r"^\s*%(explain|verdict)\b(.*)$", re.MULTILINE)
"""One of the lab's line magics inside a bash cell, where bash itself can't run it."""

ONLY_COMMENTS = "Only comments here, so nothing ran. Type your command on a line of its own that doesn't begin with #."


def load_ipython_extension(shell: Any) -> None:
    """Called by IPython. Loading twice changes nothing."""
    if "on" in shell.magics_manager.magics["cell"]:
        return
    Cells(shell)


class Cells:
    """The lab's part of an IPython shell."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._ran: list[Ran] = []
        """What the current cell has run so far."""
        self._options: dict[str, Callable[[str, str], None]] = {}
        """IPython's own `%%bash` and `%%sh`, for cells that give them options."""
        for name in ("bash", "sh"):
            self._options[name] = shell.find_cell_magic(name)
            shell.register_magic_function(self._replacing(name), "cell", name)
        for magic, kind in ((self.on, "cell"), (self.explain, "line"), (self.verdict, "line")):
            shell.register_magic_function(magic, kind)
        shell.system = self.system
        shell.input_transformers_cleanup.append(with_body)
        shell.set_custom_exc((CalledProcessError, LabError), show)
        shell.set_hook("complete_command", complete, re_key=r"!?docker")
        shell.events.register("pre_run_cell", lambda _: self._ran.clear())
        shell.events.register("post_run_cell", self._after)
        if here(shell.user_ns):
            kernel.verdict.begin()

    # ── running commands ─────────────────────────────────────────────────────────────────────────────────────────────

    def _replacing(self, name: str) -> Callable[[str, str], None]:
        def bash(line: str, cell: str) -> None:
            """Runs the cell in bash."""
            if line.strip():
                self._options[name](line, cell)
            else:
                self._run(cell, shells.here)

        return bash

    def system(self, command: str) -> None:
        """`!command` works like `%%bash`. IPython's own version gives it a terminal, so docker would wait for keyboard input
        that a cell does not have."""
        self._run(self._shell.var_expand(command, depth=1), shells.here)

    def on(self, line: str, cell: str) -> None:
        """Runs the cell in bash on another machine of the lab: `%%on worker1`. Stop it with the kernel's stop button."""
        self._run(cell, lambda script: shells.on(line.strip(), script))

    def _run(self, cell: str, run: Callable[[str], Ran]) -> None:
        """Raises Failed, and LabError."""
        asked = OURS.findall(cell)
        ran = run(OURS.sub("", cell))
        self._ran.append(ran)
        self._shell.user_ns["_exit_code"] = ran.status
        kernel.memory.add(ran)
        for name, rest in asked:
            self._shell.run_line_magic(name, rest.strip())
        explained = any(name == "explain" for name, _ in asked)
        if ran.status:
            raise Failed(ran, explained)
        if ran.failed and not explained:
            mean(ran)

    # ── after a cell ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _after(self, result: Any) -> None:
        """Shown under the cell: that it ran nothing, or what the checks say about the change."""
        if only_comments(result.info.raw_cell or ""):
            display(Quiet(ONLY_COMMENTS))
        elif self._ran and (exercise := here(self._shell.user_ns)):
            try:
                told = kernel.verdict.after(exercise, any(ran.failed for ran in self._ran))
            except KeyboardInterrupt:
                return
            if told:
                display(Quiet(told))

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def explain(self, line: str) -> None:
        """Explains the error of the newest command that failed: `%explain`. Or a message that you give: `%explain TEXT`."""
        display(Message(explained(line)))

    def verdict(self, line: str) -> None:
        """Switches on or off the line under a cell that says what the checks now say: `%verdict on`, `%verdict off`."""
        word = line.strip()
        if word not in ("on", "off"):
            raise LabError(f"%verdict knows no {word!r}: {nearest(word, ['on', 'off'])}", "%verdict off")
        if word == "on":
            kernel.verdict.begin()
        else:
            kernel.verdict.end()


def with_body(lines: list[str]) -> list[str]:
    """A cell with nothing below its `%%bash` gets an empty line; without it, IPython calls it an error."""
    return [lines[0].rstrip("\n") + "\n", "\n"] if len(lines) == 1 and lines[0].startswith("%%") else lines


def only_comments(cell: str) -> bool:
    """Whether a cell has only comments."""
    lines = [line.strip() for line in cell.strip().splitlines()]
    if lines and lines[0].startswith("%%"):
        lines = lines[1:] or ["#"]
    told = [line for line in lines if line]
    return bool(lines) and all(line.startswith("#") for line in told)


def mean(ran: Ran) -> None:
    """Says in one line under a failed command what its message means."""
    found = messages.find(ran.error)
    if found:
        display(Meaning(found[0].means))


def show(_shell: Any, _kind: Any, error: BaseException, _trace: Any, tb_offset: int | None = None) -> list[str]:
    """Called by IPython to show a command that failed. Its output is already there."""
    if not isinstance(error, Failed):
        print(f"✗ {error}", file=sys.stderr)
    elif error.ran.interrupted:
        print("Stopped.", file=sys.stderr)
    elif messages.find(error.ran.error):
        if not error.told:
            mean(error.ran)
    elif error.returncode != STUCK_STATUS:
        print(error, file=sys.stderr)
    return []


WORD = re.compile(r"\S*$")


def complete(_: Any, event: Any) -> list[str]:
    """Image names that the lab knows, for the word that is being typed after `docker …`."""
    match = WORD.search(event.text_until_cursor)
    typed = match[0] if match else ""
    if not typed or typed.startswith("-"):
        return []
    cut = len(typed) - len(event.symbol)
    return [name[cut:] for name in kernel.image_names() if name.startswith(typed)]
