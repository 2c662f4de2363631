"""The environment of a learner's shell, notebook or script, in which plain `docker …` uses the workstation."""

import os
import shlex
import sys
from pathlib import Path

from labkit.errors import LabError
from labkit.lab import contexts
from labkit.lab.lab import Lab
from labkit.lab.plan import MANAGER

UNSET = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION")
"""Each of these variables would lead a plain `docker …` past the lab's context."""


def variables(lab: Lab) -> dict[str, str]:
    """The variables that are set. LABKIT_ENGINE, or LABKIT_GUEST, tells labkit itself where the lab is; the variables that
    chose the engine are unset."""
    return {
        **lab.home.variables(os.environ),
        "DOCKER_CONFIG": str(contexts.folder(lab.folder)),
        **lab.access.variables(lab.plan),
        "LABKIT_WORK": str(lab.work),
        "LABKIT_WORKERS": str(lab.plan.workers),
        **({"LAB_SECRET": lab.person.secret} if lab.person.secret else {}),
    }


def process(lab: Lab) -> dict[str, str]:
    """This process's environment, changed for the lab."""
    kept = {key: value for key, value in os.environ.items() if key not in UNSET}
    binaries = str(Path(sys.executable).parent)
    return {**kept, **variables(lab), "PATH": f"{binaries}{os.pathsep}{kept.get('PATH', '')}"}


def shell_lines(lab: Lab, node: str = MANAGER) -> str:
    """Lines for `eval "$(labkit env)"`, for the workstation or for another node. Raises LabError."""
    known = [part.machine for part in lab.nodes]
    if node not in known:
        raise LabError(f"The lab has no machine {node!r}. Its machines are {', '.join(known)}.", "labkit env worker1")
    lines = [f"unset {' '.join(UNSET)}"]
    lines += [f"export {key}={shlex.quote(value)}" for key, value in variables(lab).items()]
    if node != MANAGER:
        lines.append(f"export DOCKER_CONTEXT={node}")
    return "\n".join(lines) + "\n"
