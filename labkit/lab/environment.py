"""The environment of a learner's shell, notebook or script: plain `docker …` speaks to the workstation in it."""

import os
import shlex
import sys
from pathlib import Path

from labkit.errors import LabError
from labkit.lab import contexts
from labkit.lab.lab import Lab
from labkit.lab.plan import MANAGER

UNSET = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION")
"""Each of these would send a plain `docker …` past the lab's context."""


def variables(lab: Lab) -> dict[str, str]:
    """What is set in it. LABKIT_ENGINE, or LABKIT_GUEST, says where the lab is, for labkit itself: what chose the engine is
    unset."""
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
    """Lines for `eval "$(labkit env)"`; another node's are the same, with that node's context. Raises LabError."""
    known = [part.machine for part in lab.nodes]
    if node not in known:
        raise LabError(f"The lab has no machine {node!r}: it has {', '.join(known)}.", "labkit env worker1")
    lines = [f"unset {' '.join(UNSET)}"]
    lines += [f"export {key}={shlex.quote(value)}" for key, value in variables(lab).items()]
    if node != MANAGER:
        lines.append(f"export DOCKER_CONTEXT={node}")
    return "\n".join(lines) + "\n"
