"""JupyterLab for the learner, in the lab's environment."""

import contextlib
import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from labkit import paths
from labkit.content import exercises
from labkit.errors import LabError
from labkit.lab import environment
from labkit.lab.engine import processes
from labkit.lab.lab import Lab
from labkit.work import keeping

PORT = 8888
PORTS = 50
"""How many ports are tried, from that one on."""
PATIENCE = 60.0


@dataclass(frozen=True)
class Server:
    """A running JupyterLab. Its address contains the token that signs the learner in."""

    pid: int
    url: str

    @property
    def first(self) -> str:
        """The address of the start page: what a learner opens."""
        return self.url.replace("/lab?", f"{START}?")


START = f"/lab/tree/{exercises.FIRST}"
"""Where the start page is, below a server's address."""


def _runtime() -> Path:
    return paths.home().state / "jupyter"


def running() -> Server | None:
    """The lab's JupyterLab, found by the file that a Jupyter server keeps while it runs."""
    for file in sorted(_runtime().glob("jpserver-*.json*")):
        server = keeping.load(file, _recorded, None) if file.suffix == ".json" else None
        server = server or _remembered(file)
        if server and "jupyter" in " ".join(processes.command(server.pid)):
            return server
    return None


def _recorded(content: bytes) -> Server:
    """Raises one of keeping.ODD."""
    data = json.loads(content)
    return Server(processes.number(str(data["pid"]).encode()), f"{data['url']}lab?token={data['token']}")


def _remembered(file: Path) -> Server | None:
    """The server that this damaged record belongs to: the file's name has its process id, and the process knows the rest.
    None if it does not run."""
    import psutil

    with contextlib.suppress(ValueError, KeyError, psutil.Error):
        process = psutil.Process(processes.number(file.name.split(".")[0].removeprefix("jpserver-").encode()))
        chosen = dict(word.split("=", 1) for word in process.cmdline() if "=" in word)
        token = process.environ()["JUPYTER_TOKEN"]
        return Server(process.pid, f"http://127.0.0.1:{chosen['--ServerApp.port']}/lab?token={token}")
    return None


def check_port(port: int) -> None:
    """Raises LabError if the port is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise LabError(
                f"Port {port} of this machine is taken: {error.strerror}.", f"labkit up --port {port + 1}"
            ) from error


def free_port() -> int:
    """The usual port, or the next one that is free."""
    for port in range(PORT, PORT + PORTS):
        with contextlib.suppress(LabError):
            check_port(port)
            return port
    raise LabError(f"Ports {PORT} to {PORT + PORTS - 1} of this machine are all taken.", "labkit up --port 9999")


HERE = Path(__file__).parent
SHARE = HERE / "share" / "jupyter"
JUPYTER_PATH = {"JUPYTER_PATH": str(SHARE), "JUPYTER_CONFIG_PATH": str(SHARE / "config")}
"""Where JupyterLab finds the lab's kernel, the panel and the settings that it starts with."""


def variables(work: Path) -> dict[str, str]:
    """The environment variables of every lab's JupyterLab. What it remembers (tabs, the divider, the theme) is in the
    learner's folder, so this user's other JupyterLabs and the lab's do not affect each other."""
    return {**JUPYTER_PATH, "JUPYTER_CONFIG_DIR": str(work / keeping.FOLDER / "jupyter")}


def settings() -> list[str]:
    """The options of every lab's JupyterLab. It must be started in the learner's folder, since terminals open where it was
    started."""
    shell = ["bash", "--rcfile", str(HERE / "terminal.bashrc"), "-i"]
    return [
        f"--ServerApp.terminado_settings={{'shell_command': {shell!r}}}",
        f"--LabApp.default_url={START}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        # So that the browser's console, and the browser tests, reach the application.
        "--LabApp.expose_app_in_browser=True",
    ]


def start(lab: Lab, port: int | None, browser: bool) -> int:
    """Starts JupyterLab in the learner's folder and returns its process id. Raises LabError."""
    if port is not None:
        check_port(port)
    _runtime().mkdir(parents=True, exist_ok=True, mode=0o700)
    command = [
        # -P: started in the learner's folder, it must not take a file of theirs for a module.
        *(sys.executable, "-P", "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1"),
        # One that is free now may be taken when JupyterLab gets there: then it looks for another, unless it was asked for.
        f"--ServerApp.port_retries={0 if port else PORTS}",
        *(f"--ServerApp.port={port or free_port()}", f"--ServerApp.root_dir={lab.work}"),
        *([] if browser else ["--no-browser"]),
        *(["--allow-root"] if os.name == "posix" and os.geteuid() == 0 else []),
        *settings(),
    ]
    inside = environment.process(lab)
    inside.pop("LABKIT_COMMAND", None)  # in its terminals `labkit` is on the path
    environ = {
        **inside,
        **variables(lab.work),
        # Not on the command line, which every user of the machine can read.
        "JUPYTER_TOKEN": secrets.token_urlsafe(24),
        "JUPYTER_RUNTIME_DIR": str(_runtime()),
    }
    return processes.detach(command, paths.home().state / "jupyter.log", environ, lab.work)


TRIES = 5
"""How many times JupyterLab is started if its port is taken each time. It says the same if it may not listen at all."""


class PortTaken(LabError):
    """Another program took JupyterLab's port after the port was checked and before it was used."""


def reach(start: Callable[[], int], again: bool) -> Server:
    """The server that `start` starts, once it answers. If its port was taken at that moment, and `again` is set, it is
    started again at another port. `start` returns its process id. Raises LabError."""
    for _ in range(TRIES - 1 if again else 0):
        with contextlib.suppress(PortTaken):
            return wait(start())
    return wait(start())


def wait(pid: int) -> Server:
    """The server, once it answers. Raises PortTaken, or LabError with its last words if it does not start."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and processes.alive(pid):
        server = running()
        if server and server.pid == pid and _answers(server):
            return server
        time.sleep(0.05)
    processes.end(pid)
    said = processes.last_words(paths.home().state / "jupyter.log")
    kind = PortTaken if "no available port could be found" in said else LabError  # jupyter_server, serverapp.py
    raise kind(f"JupyterLab did not start: {said}", "labkit up --no-jupyter")


def has_screen() -> bool:
    """Whether a browser can be opened here."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _answers(server: Server) -> bool:
    from urllib.error import URLError
    from urllib.request import urlopen

    try:
        with urlopen(server.url.replace("/lab?", "/api?"), timeout=2) as answer:  # noqa: S310  (its own loopback address)
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def stop() -> None:
    """Ends JupyterLab with its kernels and terminals, and waits until they are gone."""
    if server := running():
        processes.end(server.pid)
