"""A learner's JupyterLab, as JupyterHub starts it: run by the learner's own user, with what `labkit jupyter` gives a guest."""

import os
import sys

from labkit.errors import LabError
from labkit.jupyter import server
from labkit.lab import environment, find
from labkit.work import files


def main() -> None:
    """Becomes the server. Its settings from JupyterHub are in the environment."""
    lab = find.current()
    files.prepare(lab.work, lab.person)
    inside = environment.process(lab)
    inside.pop("LABKIT_COMMAND", None)
    inside |= server.variables(lab.work)
    inside["JUPYTERHUB_ROOT_DIR"] = str(lab.work)
    os.chdir(lab.work)
    command = [sys.executable, "-P", "-m", "jupyterhub.singleuser", *server.settings(), *sys.argv[1:]]
    os.execve(sys.executable, command, inside)


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(f"{error.what} {error.fix}")
