"""JupyterLab's container of docker-compose.lab.yml: joins what Compose has started, then becomes JupyterLab."""

import os
import secrets
import sys

from labkit import paths
from labkit.errors import LabError
from labkit.jupyter import server as jupyter
from labkit.lab import environment, find
from labkit.lab import plan as topology
from labkit.lab.engine import engines as engine
from labkit.lab.lifecycle import pki, provision
from labkit.work import files as workspace


def keys() -> None:
    """Makes the keys of all machines, each in its own volume, before any of them starts."""
    pki.make(paths.state() / "pki")


def main() -> None:
    found = engine.find()
    lab = find.on(found)
    if lab is None:
        raise LabError("No machine of the lab is there.", "docker compose -f docker-compose.lab.yml up")
    with provision.lock(print):
        provision.settle(found, topology.machines(lab.workers), lab, None)
    workspace.prepare(paths.work())
    token = os.environ.get("LABKIT_TOKEN") or secrets.token_urlsafe(24)
    print(f"The lab is up. JupyterLab: http://127.0.0.1:{os.environ['LABKIT_PORT']}/lab?token={token}", flush=True)
    command = [
        *("jupyter", "lab", "--no-browser", "--allow-root", "--ServerApp.ip=0.0.0.0", "--ServerApp.port=8888"),
        f"--ServerApp.root_dir={paths.work()}",
        *jupyter.settings(),
    ]
    os.execvpe(command[0], command, {**environment.process(lab), **jupyter.JUPYTER_PATH, "JUPYTER_TOKEN": token})


if __name__ == "__main__":
    try:
        keys() if "keys" in sys.argv else main()
    except LabError as error:
        sys.exit(f"✗ {error}")
