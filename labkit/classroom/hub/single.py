"""A learner's JupyterLab, as JupyterHub or a broker starts it: run by the learner's own user, with what `labkit jupyter` gives
a guest."""

import os
import signal
import sys

from labkit.classroom.hub import workplace
from labkit.errors import LabError
from labkit.jupyter import server
from labkit.lab import environment, find
from labkit.work import files

OPTIONS = (
    "--ServerApp.answer_yes=True",  # JupyterHub ends it as Ctrl-C does: nobody is there to be asked
    # Whoever can reach a kernel's port reads what its cells print: sockets in a folder of this user's instead.
    "--KernelManager.transport=ipc",
)


def main() -> None:
    """Becomes the server. Its settings from JupyterHub are in the environment."""
    lab = find.current()
    files.prepare(lab.work, lab.person)
    inside = environment.process(lab)
    inside.pop("LABKIT_COMMAND", None)
    inside |= server.variables(lab.work)
    inside["JUPYTERHUB_ROOT_DIR"] = str(lab.work)
    os.chdir(lab.work)
    module, options = "jupyterhub.singleuser", [*OPTIONS]
    if listens := os.environ.get(workplace.SOCKET):  # the Hub is on another server
        module, options = "labkit.classroom.hub.away", [*OPTIONS, f"--ServerApp.sock={listens}"]
    command = [sys.executable, "-P", "-m", module, *server.settings(), *options, *sys.argv[1:]]
    # JupyterHub and brokers end it so. A shell that starts a classroom in the background has all that it starts ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execve(sys.executable, command, inside)


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(f"{error.what} {error.fix}")
