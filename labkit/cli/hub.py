"""JupyterLab for a classroom's learners: options of `labkit classroom up`, and `labkit classroom forget-users`"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labkit import paths
from labkit.cli.output import progress, tell
from labkit.errors import LabError

if TYPE_CHECKING:
    from labkit.classroom.app.hub import Hub
    from labkit.classroom.broker.broker import Broker
    from labkit.classroom.opening import Opened


@dataclass(frozen=True)
class Asked:
    """What `up` was asked for."""

    port: int | None
    homes: Path | None


OPTIONS = (
    click.option(
        "--hub/--no-hub", "with_hub", default=False, help="A JupyterLab here for each learner, by JupyterHub."
    ),
    click.option("--hub-port", type=click.IntRange(0, 65535), help="JupyterHub's port. [default: the next one]"),
    click.option(
        "--homes",
        type=click.Path(path_type=Path, file_okay=False),
        help="Where learners' homes are made. [default: /var/lib/registry-lab/homes]",
    ),
)


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command with the options, and with one parameter `hub`: an Asked, or None."""

    @functools.wraps(command)
    def known(with_hub: bool, hub_port: int | None, homes: Path | None, **rest: Any) -> Any:
        return command(hub=Asked(hub_port, homes) if with_hub else None, **rest)

    for option in reversed(OPTIONS):
        known = option(known)
    return known


@contextlib.contextmanager
def beside(
    opened: "Opened", broker: "Broker | None", asked: Asked | None, idle: float, elsewhere: bool = False
) -> "Iterator[Hub | None]":
    """JupyterHub, while the block runs, where it was asked for; it stops a JupyterLab after `idle` seconds, 0 for never.
    `elsewhere`: whether labs may be on other servers only. Raises LabError."""
    if asked is None:
        yield None
        return
    if broker is None and not elsewhere:
        raise LabError(
            "JupyterLab needs labs, and this classroom starts none.",
            "labkit classroom up --labs --hub …, or with labs on other servers only: --no-labs --hub",
        )
    from labkit.classroom.hub import install, opening, workplace

    if broker:
        install.check_socket(broker.engine.url)
    wanted = opening.Wanted(asked.port, asked.homes or workplace.HOMES, idle=idle)
    with contextlib.ExitStack() as stack:
        with progress() as say:
            hub = stack.enter_context(
                opening.beside(opened, wanted, paths.home().cache, say, lambda text: tell(f"! {text}", err=True))
            )
        yield hub


def add(classroom: click.Group, folder_option: Callable[..., Any], folder_of: Callable[[], Path]) -> None:
    """Adds the command. `folder_of` says where classrooms are kept if nobody does."""

    @classroom.command("forget-users")
    @click.option("--workshop", "name", help="The workshop's name.")
    @click.option(
        "--root",
        type=click.Path(path_type=Path, file_okay=False, exists=True),
        help="On another server: the folder of its broker.",
    )
    @click.option("--yes", is_flag=True, help="Do not ask.")
    @folder_option
    def forget_users(name: str | None, root: Path | None, yes: bool, folder: Path | None) -> None:
        """Remove the system users of a workshop's learners.

        Their homes go with them, and so do learners' notebooks on this machine. Roster, results and marks stay.

        \b
        Example: labkit classroom forget-users --workshop spring
                 labkit classroom forget-users --root ~/.local/state/registry-broker
        """
        from labkit.classroom import needs

        if (name is None) is (root is None):
            raise LabError(
                "Whose users? Of a classroom here, or of a broker here.",
                "labkit classroom forget-users --workshop NAME, or --root FOLDER",
            )

        needs.check()
        from labkit.classroom.hub import opening

        if not yes:
            click.confirm("Remove the learners' users, with all that is in their homes?", abort=True, err=True)
        gone = opening.forget_users_of_broker(root) if root else opening.forget_users(folder or folder_of(), name or "")
        tell(f"✓ {len(gone)} users are removed, with their homes." if gone else "There are no users of this workshop.")
