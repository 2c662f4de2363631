"""Asks the apps in a node's tasks for their page. It runs on the node itself, in the node's Python, without labkit.

    python3 -c SOURCE '{"services": ["webapp"], "seconds": 1.0}'

prints one line of JSON: {"pages": [{task, service, port, status, size, digest, text, file}, …]}, as labkit/seen/pages.py says.
It asks each app inside the app's own network, at the ports on which its processes listen, so neither published ports nor the
network matter. The whole run takes at most twice `seconds`, whatever an app does, and reads at most LARGEST bytes of
each: it is somebody else's program.
"""
# ruff: noqa: PTH112, PTH115, PTH123, PTH208
# (Of hundreds of processes and thousands of files, paths as objects would cost more than all the rest.)

import contextlib
import hashlib
import json
import os
import socket
import stat
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

LARGEST = 256 * 1024
"""Bytes read of a page, and of a file to compare it with."""

TEXT = 200
"""Characters of a page that are reported."""

LONGEST_HEAD = 64 * 1024
"""Bytes of the headers of an answer."""

LARGEST_ANSWER = 16 * 1024**2
"""Bytes read of an engine's answer."""

MOST_TASKS, MOST_PORTS, MOST_FILES = 20, 8, 50_000
"""How many tasks are asked, how many ports of each, and how many files of its image are read."""

LISTENS = "0A"
"""The state of a socket that listens (linux: include/net/tcp_states.h, TCP_LISTEN)."""

NETWORK = 0x40000000
"""setns(2): CLONE_NEWNET"""

Answer = dict[str, Any]


class Gone(Exception):
    """The engine no longer knows what was there a moment before."""


def fetch(connection: socket.socket, path: str, most: int, until: float) -> tuple[int, bytes]:
    """(status, at most `most` bytes of the body) of a GET; status 0 if the answer is not HTTP or not complete at `until`
    (time.monotonic).

    It speaks HTTP/1.0, where an answer ends with its length or the connection (RFC 1945): importing http.client would take
    longer than everything else here.
    """
    data, ended = b"", False
    try:
        connection.settimeout(max(until - time.monotonic(), 0.01))
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\nUser-Agent: labkit\r\n\r\n".encode())
        while not ended and time.monotonic() < until:
            connection.settimeout(max(until - time.monotonic(), 0.01))
            part = connection.recv(65536)
            data += part
            head, _, body = data.partition(b"\r\n\r\n")
            ended = not part or len(head) > LONGEST_HEAD or len(body) >= min(most, length(head))
    except OSError:
        return 0, b""
    head, found, body = data.partition(b"\r\n\r\n")
    version, _, rest = head.partition(b" ")
    if not (ended and found and version.startswith(b"HTTP/1.") and rest[:3].isdigit()):
        return 0, b""
    return int(rest[:3]), body[: min(most, length(head))]


def length(head: bytes) -> int:
    """The body's length according to the headers; LARGEST_ANSWER if they do not say."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit() and len(value) < 12:
            return int(value)
    return LARGEST_ANSWER


class Docker:
    """The node's own engine, on its socket."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def get(self, path: str) -> Any:
        """Raises Gone."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(self.seconds)
            connection.connect("/var/run/docker.sock")
            status, body = fetch(connection, path, LARGEST_ANSWER, time.monotonic() + self.seconds)
        if status != 200:
            raise Gone(path)
        return json.loads(body)


def means(labels: dict[str, str], services: list[str]) -> bool:
    """Whether a container belongs to one of these services, with or without its stack's name before it."""
    name, stack = labels.get("com.docker.swarm.service.name", ""), labels.get("com.docker.stack.namespace", "")
    return any(wanted in (name, stack) or name == f"{stack}_{wanted}" for wanted in services)


# ── the ports ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def sockets(pid: int) -> set[str]:
    """Inodes of the sockets of this process's container: those of all processes in the same PID namespace."""
    found = set()
    try:
        ours = os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return set()  # it has just ended
    for process in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{process}/ns/pid") == ours:
                for number in os.listdir(f"/proc/{process}/fd"):
                    with contextlib.suppress(OSError):
                        found.add(os.readlink(f"/proc/{process}/fd/{number}"))
    return {link[8:-1] for link in found if link.startswith("socket:[")}


def listening(table: str, inodes: set[str]) -> Iterator[tuple[str, int]]:
    """(address to ask, port) of each listening socket among `inodes` in a table of /proc/PID/net/tcp or tcp6."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == LISTENS and fields[9] in inodes:
            host, _, port = fields[1].partition(":")
            yield address(host), int(port, 16)


def address(host: str) -> str:
    """The address to ask for a socket that listens at this address of the table (words of four bytes, lowest byte first):
    loopback if it listens on all addresses. A socket on all IPv6 addresses usually takes IPv4 too, and IPv6 may be off."""
    raw = b"".join(bytes.fromhex(host[at : at + 8])[::-1] for at in range(0, len(host), 8))
    if len(raw) == 4:
        return socket.inet_ntop(socket.AF_INET, raw) if any(raw) else "127.0.0.1"
    if raw[:12] == bytes(10) + b"\xff\xff":
        return address(host[24:])
    return socket.inet_ntop(socket.AF_INET6, raw) if any(raw) else "localhost"


def text(path: str) -> str:
    with open(path) as file:
        return file.read()


def ports(pid: int) -> list[tuple[str, int]]:
    """Where a container listens, lowest ports first."""
    inodes, found = sockets(pid), dict[int, str]()
    for table in ("tcp6", "tcp"):
        with contextlib.suppress(OSError):
            found |= {port: host for host, port in listening(text(f"/proc/{pid}/net/{table}"), inodes)}
    return [(found[port], port) for port in sorted(found)][:MOST_PORTS]


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def ask(host: str, port: int, seconds: float) -> tuple[int, bytes]:
    """(status, page) of `GET /`; status 0 if no HTTP answer came in time."""
    until = time.monotonic() + seconds
    try:
        with socket.create_connection((host, port), seconds) as connection:
            return fetch(connection, "/", LARGEST, until)
    except OSError:
        return 0, b""


def ask_all(pid: int, seconds: float, found: list[tuple[int, int, bytes]]) -> None:
    """Adds (port, status, page) for each port of a container. Needs its own thread, which enters the container's network."""
    where = ports(pid)
    with open(f"/proc/{pid}/ns/net") as network:
        os.setns(network.fileno(), NETWORK)  # type: ignore[attr-defined]  # (3.12; the node has 3.13)
    found += [(port, 0, b"") for _, port in where]
    for at, (host, port) in enumerate(where):
        found[at] = (port, *ask(host, port, seconds))


# ── the image ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def file_of(page: bytes, root: str, changed: set[str], mounts: set[str], until: float) -> str:
    """The path below `root` of a regular file with exactly this content, "" for none. `changed` files and everything below
    `mounts` do not belong to the image. The search stops at `until` (time.monotonic)."""
    seen, folders = 0, [""]
    while page and folders:
        folder = folders.pop(0)
        try:
            entries = sorted(os.scandir(root + (folder or "/")), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            path, seen = f"{folder}/{entry.name}", seen + 1
            if seen > MOST_FILES or time.monotonic() > until:
                return ""
            with contextlib.suppress(OSError):
                if path in mounts:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                elif path in changed or entry.stat(follow_symlinks=False).st_size != len(page):
                    continue
                elif holds(entry.path, page):
                    return path
    return ""


def holds(path: str, page: bytes) -> bool:
    """Whether a regular file has exactly this content."""
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(number, "rb") as file:
        return stat.S_ISREG(os.fstat(number).st_mode) and file.read(len(page) + 1) == page


def files(docker: Docker, container: dict[str, Any], pid: int) -> tuple[str, set[str], set[str]]:
    """The folder with a container's files, the paths that differ from its image, and its mounts."""
    changes = docker.get(f"/containers/{container['Id']}/changes") or ()
    changed = {change["Path"] for change in changes}
    merged = ((container.get("GraphDriver") or {}).get("Data") or {}).get("MergedDir")
    if merged and os.path.isdir(merged):
        return merged, changed, set()  # without the container's mounts
    mounts = text(f"/proc/{pid}/mountinfo").splitlines()
    return f"/proc/{pid}/root", changed, {line.split()[4] for line in mounts} - {"/"}


# ── all of it ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def best(answers: list[Answer]) -> Answer:
    """The best answer: the app's own page, else any page, any answer, an open port."""
    return max(answers, key=lambda answer: (bool(answer["file"]), answer["status"] == 200, answer["status"] > 0))


def told(port: int, status: int, page: bytes, file: str) -> Answer:
    return {
        "port": port,
        "status": status,
        "size": len(page),
        "digest": f"sha256:{hashlib.sha256(page).hexdigest()}",
        "text": page[: 4 * TEXT].decode(errors="replace")[:TEXT],
        "file": os.fsencode(file).decode(errors="replace"),
    }


class Asked:
    """A running task's container, and its answers so far: (port, status, page)."""

    def __init__(self, container: dict[str, Any]) -> None:
        self.container = container
        self.found: list[tuple[int, int, bytes]] = []

    @property
    def pid(self) -> int:
        return int(self.container["State"]["Pid"])

    def answer(self, docker: Docker, until: float) -> Answer:
        labels, heard = self.container["Config"]["Labels"], list(self.found)
        where = files(docker, self.container, self.pid) if any(page for *_, page in heard) else ("", set(), set())
        each = [told(*one, file_of(one[2], *where, until) if one[1] == 200 else "") for one in heard]
        names = {"task": labels["com.docker.swarm.task.id"], "service": labels["com.docker.swarm.service.name"]}
        return {**names, **best(each or [told(0, 0, b"", "")])}


def pages(services: list[str], seconds: float) -> list[Answer]:
    """The answers of the node's running tasks of these services, without those that ended meanwhile."""
    docker, asked, threads = Docker(seconds), list[Asked](), list[threading.Thread]()
    running = docker.get('/containers/json?filters={"label":["com.docker.swarm.task.id"],"status":["running"]}')
    for one in [one for one in running if means(one["Labels"], services)][:MOST_TASKS]:
        with contextlib.suppress(Gone):
            asked.append(Asked(docker.get(f"/containers/{one['Id']}/json")))
    until = time.monotonic() + seconds
    for task in asked:
        threads.append(threading.Thread(target=quietly, args=(task.pid, seconds, task.found), daemon=True))
        threads[-1].start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    answers = []
    for task in asked:
        with contextlib.suppress(Gone, OSError):
            answers.append(task.answer(docker, until + seconds))
    return answers


def quietly(pid: int, seconds: float, found: list[tuple[int, int, bytes]]) -> None:
    """A container that ends meanwhile has no page."""
    with contextlib.suppress(OSError):
        ask_all(pid, seconds, found)


if __name__ == "__main__":
    wanted = json.loads(sys.argv[1])
    print(json.dumps({"pages": pages(wanted["services"], wanted["seconds"])}), flush=True)
    os._exit(0)  # an app that goes on talking must not keep it
