"""What the lab adds to IPython: `%%on MACHINE`, `%explain`, and the names that Tab completes.

Every kernel of the lab loads it (share/jupyter/kernels).
"""

import contextlib
import os
import re
import subprocess
import sys
import time
from typing import Any

from labkit import session
from labkit.errors import LabError, nearest
from labkit.jupyter.failures import Tee
from labkit.jupyter.notebook import kernel

SCRIPT = 'echo "$$"; exec bash -c \'eval "$(cat)"\''
"""Reads the cell from its input, so that it stands in no list of processes. The first line tells whom to interrupt."""


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
    part = lab.parts[machine]
    if part.state != "running":
        raise LabError(f"The machine {machine} is not running.", "labkit up   (it repairs the lab)")
    docker = ["docker", "-H", lab.engine.url, "exec"]
    env = {key: value for key, value in os.environ.items() if key not in ("DOCKER_CONTEXT", "DOCKER_HOST")}
    process = subprocess.Popen(
        [*docker, "-i", part.id, "bash", "-c", SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,  # what comes after the first line is read as it comes
        env=env,
        start_new_session=True,  # the interrupt of the kernel is for us alone
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(script.encode())
    process.stdin.close()
    leader = process.stdout.readline().decode(errors="replace").strip()
    while True:
        try:
            while chunk := os.read(process.stdout.fileno(), 65536):
                sys.stdout.write(chunk.decode(errors="replace"))
                sys.stdout.flush()
            return process.wait()
        except KeyboardInterrupt:
            _interrupt([*docker, part.id], leader, process, env)


def _interrupt(docker: list[str], leader: str, process: "subprocess.Popen[bytes]", env: dict[str, str]) -> None:
    """Ends what runs on the machine, kindly and then not: docker exec passes no signal on."""
    for signal in ("INT", "TERM", "KILL"):
        if leader.isdigit():
            subprocess.run([*docker, "kill", f"-{signal}", f"-{leader}"], env=env, capture_output=True, check=False)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.1)
                return
    process.kill()


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
