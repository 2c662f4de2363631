"""What the lab adds to IPython: `%%on MACHINE`, `%explain`, and the names that Tab completes.

Every kernel of the lab loads it (share/jupyter/kernels).
"""

import codecs
import re
import sys
import threading
from typing import Any

from labkit import session
from labkit.errors import LabError, nearest
from labkit.jupyter.failures import Tee
from labkit.jupyter.notebook import kernel

SCRIPT = ("bash", "-c", 'eval "$(cat)"')
"""Reads the cell from its input, so that it stands in no list of processes."""

HARDER = {"TERM": 3.0, "KILL": 6.0}
"""What follows an interrupt that was not heeded, after so many seconds."""


def load_ipython_extension(shell: Any) -> None:
    """Called by IPython. Loading twice changes nothing."""
    if "on" in shell.magics_manager.magics["cell"]:
        return
    shell.register_magic_function(on, "cell")
    shell.register_magic_function(explain, "line")
    shell.set_hook("complete_command", complete, re_key=r"!?docker")
    memory = kernel.memory
    sys.stdout, sys.stderr = Tee(sys.stdout, memory), Tee(sys.stderr, memory)
    shell.events.register("pre_run_cell", lambda info: memory.begin(info.raw_cell or ""))
    shell.events.register("post_run_cell", lambda _: memory.end())


def on(line: str, cell: str) -> None:
    """Runs the cell in bash on another machine of the lab: `%%on worker1`. Stop it with the kernel's stop button."""
    try:
        status = run_on(line.strip(), cell)
    except LabError as error:
        print(f"✗ {error}", file=sys.stderr)
        return
    if status:
        print(f"exit status {status}", file=sys.stderr)


def run_on(machine: str, script: str) -> int:
    """Runs a script in bash on that machine, prints what it prints as it comes, and returns its exit status. An interrupt is
    passed on to it. Raises LabError."""
    from labkit.lab import find

    lab = find.current()
    machines = [part.machine for part in lab.nodes]
    if machine not in machines:
        raise LabError(f"The lab has no machine {machine!r}: {nearest(machine, machines)}", "%%on worker1")
    session = lab.access.session(lab, machine, SCRIPT)
    text = codecs.getincrementaldecoder("utf-8")(errors="replace")
    ending: list[threading.Timer] = []
    try:
        session.write(script.encode())
        session.end_input()
        while True:
            try:
                _, data = session.read()
                sys.stdout.write(text.decode(data, final=not data))
                sys.stdout.flush()
                if not data:
                    return session.status()
            except KeyboardInterrupt:
                session.signal("INT")
                if not ending:
                    ending = [threading.Timer(after, session.signal, [name]) for name, after in HARDER.items()]
                    for timer in ending:
                        timer.start()
    finally:
        for timer in ending:
            timer.cancel()
        session.close()


def explain(line: str) -> None:
    """Says what the last failed docker command's message means: `%explain`. Or a message that you give: `%explain TEXT`."""
    print(session.explained(line or kernel.memory.last()))


WORD = re.compile(r"\S*$")


def complete(_: Any, event: Any) -> list[str]:
    """Names of images that the lab knows, for the word that is being typed after `docker …`."""
    match = WORD.search(event.text_until_cursor)
    typed = match[0] if match else ""
    if not typed or typed.startswith("-"):
        return []
    cut = len(typed) - len(event.symbol)
    return [name[cut:] for name in kernel.image_names() if name.startswith(typed)]
