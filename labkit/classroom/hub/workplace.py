"""What a learner's JupyterLab is on a server, whoever starts it there: JupyterHub's spawner on the classroom's, a broker on its
own. A system user, a home with a guest's access to the lab, a share of the machine, and an environment."""

import os
import pwd
from collections.abc import Callable, Mapping
from pathlib import Path

from labkit import talking
from labkit.classroom.hub import limits, users
from labkit.errors import LabError

LAB = "lab"
"""In a learner's home: a guest's access to their lab (LABKIT_GUEST)."""
WORK = "registry-lab"
"""In a learner's home: their notebooks and files."""

HOMES = Path("/var/lib/registry-lab/homes")
"""Learners' homes, by workshop: a place that every user can reach, which root's own state folder is not."""

MEMORY = 1_500_000_000
"""Bytes for each learner's JupyterLab with its kernels and terminals; labs come on top."""
PROCESSES = 512
"""Processes and threads of it."""

SOCKET, HUB_AT, HUB_CA = "LABKIT_JUPYTER_SOCKET", "LABKIT_HUB_AT", "LABKIT_HUB_CA"
"""Told to a JupyterLab that is not on its Hub's server (single.py, away.py): the file of the socket that it listens on; the
address of the Hub's proxy; the authority, as PEM, of the certificate that is shown there."""

USER, PREFIX = "JUPYTERHUB_USER", "JUPYTERHUB_SERVICE_PREFIX"
TOLD = frozenset(
    {
        USER,
        PREFIX,
        talking.VARIABLE,
        "JUPYTERHUB_API_TOKEN",
        "JPY_API_TOKEN",
        "JUPYTERHUB_ACTIVITY_INTERVAL",
        "JUPYTERHUB_BASE_URL",
        "JUPYTERHUB_CLIENT_ID",
        "JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED",
        "JUPYTERHUB_COOKIE_OPTIONS",
        "JUPYTERHUB_DEFAULT_URL",
        "JUPYTERHUB_HOST",
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES",
        "JUPYTERHUB_OAUTH_CALLBACK_URL",
        "JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES",
        "JUPYTERHUB_OAUTH_SCOPES",
        "JUPYTERHUB_PUBLIC_HUB_URL",
        "JUPYTERHUB_PUBLIC_URL",
        "JUPYTERHUB_SERVER_NAME",
    }
)
"""What JupyterHub, and the classroom, tell a JupyterLab on another server. Nothing of it says what runs there, or whence
programs are loaded."""
LONGEST = 8192
"""Characters of one value."""


def command(python: str) -> list[str]:
    return [python, "-P", "-m", "labkit.classroom.hub.single"]


def told(environment: Mapping[str, str | None]) -> dict[str, str]:
    """The part of what JupyterHub would tell a JupyterLab here that one elsewhere is told."""
    return {name: value for name, value in environment.items() if name in TOLD and value is not None}


def check_told(environment: Mapping[str, str], name: str) -> None:
    """Raises LabError for anything else, and for another user's."""
    odd = sorted(
        key
        for key, value in environment.items()
        if key not in TOLD or "\0" in value or len(value) > LONGEST or (key == PREFIX and not value.startswith("/"))
    )
    if odd:
        raise LabError(
            f"A JupyterLab is not told {', '.join(one[:60] for one in odd[:5])!r}.", "compare labkit --version"
        )
    if environment.get(USER) != name:
        raise LabError(f"This is not for the user {name}.", "compare labkit --version")


def places(name: str) -> dict[str, str]:
    """The environment that says who the user is, and where what is. The user is there already."""
    known = pwd.getpwnam(name)
    home = Path(known.pw_dir)
    return {
        "USER": name,
        "HOME": str(home),
        "SHELL": known.pw_shell,
        "LABKIT_GUEST": str(home / LAB),
        "LABKIT_WORK": str(home / WORK),
        "JUPYTER_RUNTIME_DIR": str(users.RUN / name),
    }


def become(name: str, group: limits.Group) -> Callable[[], None]:
    """For the child of a fork that is root: goes into its group, becomes this user, and goes home. What can fail is looked up
    before the fork."""
    known = pwd.getpwnam(name)
    groups = os.getgrouplist(name, known.pw_gid)
    enter = group.enter()

    def child() -> None:
        enter()
        os.setgroups(groups)
        os.setgid(known.pw_gid)
        os.setuid(known.pw_uid)
        os.chdir(known.pw_dir)

    return child
