"""Passes one HTTP request on to a task's app, and prints the answer as it comes. Runs on the node itself, by its own Python.

    python3 -c SOURCE '{"task": ID, "size": 123, "seconds": 10}'

reads `size` bytes, the request. It prints one line: `answers PORT`, `silent` (no port of the task answers HTTP) or `gone` (no
such task runs here). After `answers` come the app's own bytes, to their end.
"""

import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import Callable

from labkit.lab.looking.ask_apps import NETWORK, Docker, Gone, ports

IDLE = 60.0
"""Seconds that an app may pause in the middle of its answer."""

HTTP = b"HTTP/1."

Say = Callable[[bytes], None]


def process(task: str, seconds: float) -> int:
    """The process of that task's container. Raises Gone."""
    docker = Docker(seconds)
    wanted = {"label": [f"com.docker.swarm.task.id={task}"], "status": ["running"]}
    found = docker.get(f"/containers/json?filters={json.dumps(wanted, separators=(',', ':'))}")
    if not found:
        raise Gone(task)
    return int(docker.get(f"/containers/{found[0]['Id']}/json")["State"]["Pid"])


def answering(where: list[tuple[str, int]], request: bytes, until: float) -> tuple[socket.socket, int, bytes] | None:
    """The first of these addresses that answers the request in HTTP: its connection, its port, and the beginning of the
    answer."""
    for host, port in where:
        with contextlib.suppress(OSError), contextlib.ExitStack() as ends:
            app = ends.enter_context(socket.create_connection((host, port), left(until)))
            app.settimeout(left(until))
            app.sendall(request)
            begins = b""
            while len(begins) < len(HTTP) and (part := app.recv(65536)):
                begins += part
            if begins.startswith(HTTP):
                ends.pop_all()
                return app, port, begins
    return None


def left(until: float) -> float:
    return max(until - time.monotonic(), 0.01)


def pass_on(task: str, request: bytes, seconds: float, say: Say) -> None:
    """Prints the whole answer. Raises OSError if the app breaks off in the middle of it."""
    try:
        pid = process(task, seconds)
        where = ports(pid)
        with open(f"/proc/{pid}/ns/net") as network:  # noqa: PTH123
            os.setns(network.fileno(), NETWORK)  # type: ignore[attr-defined]  # (3.12; the node has 3.13)
    except (Gone, OSError):
        return say(b"gone\n")
    found = answering(where, request, time.monotonic() + seconds)
    if found is None:
        return say(b"silent\n")
    app, port, begins = found
    with app:
        say(f"answers {port}\n".encode() + begins)
        app.settimeout(IDLE)
        while part := app.recv(65536):
            say(part)


def printing(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    with contextlib.suppress(OSError):  # the app broke off, or nobody reads any more
        pass_on(asked["task"], sys.stdin.buffer.read(asked["size"]), asked["seconds"], printing)
