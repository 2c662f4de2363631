"""JupyterLab's container in docker-compose.lab.yml: joins what Compose has started, then becomes JupyterLab."""

import os
import secrets
import sys

from labkit import paths
from labkit.errors import LabError
from labkit.jupyter import server as jupyter
from labkit.lab import environment, find
from labkit.lab.engine import engines
from labkit.lab.lifecycle import pki, provision
from labkit.lab.plan import Plan
from labkit.work import files as workspace


def keys() -> None:
    """Creates the keys of all machines, each in its own volume, before any machine starts."""
    home = paths.home()
    pki.make(home.state / "pki", Plan(home.name))


def main() -> None:
    home = paths.home()
    lab = find.on(engines.find(home), home)
    if lab is None:
        raise LabError("The lab has no machines.", "docker compose -f docker-compose.lab.yml up")
    with provision.lock(home, print):
        provision.repair(lab, print)
    workspace.prepare(home.work)
    token = os.environ.get("LABKIT_TOKEN") or secrets.token_urlsafe(24)
    print("This JupyterLab has the Docker Engine's socket: whoever can open it can act as root on this machine.")
    server = jupyter.Server(os.getpid(), f"http://127.0.0.1:{os.environ['LABKIT_PORT']}/lab?token={token}")
    print(f"The lab is up. JupyterLab: {server.first}", flush=True)
    command = [
        *("jupyter", "lab", "--no-browser", "--allow-root", "--ServerApp.ip=0.0.0.0", "--ServerApp.port=8888"),
        f"--ServerApp.root_dir={home.work}",
        *jupyter.settings(),
    ]
    os.chdir(home.work)
    os.execvpe(
        command[0], command, {**environment.process(lab), **jupyter.variables(home.work), "JUPYTER_TOKEN": token}
    )


if __name__ == "__main__":
    try:
        keys() if "keys" in sys.argv else main()
    except LabError as error:
        sys.exit(f"✗ {error}")
