"""What a learner's JupyterLab may use of the machine: a control group for each, where the kernel has them.

With version 1 (`memory`, `pids`) and version 2 (one tree). Where neither can be written, only the number of processes is
limited, by RLIMIT_NPROC: that counts by user, and each learner is one.
"""

import contextlib
import os
import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
OURS = "registry-classroom"


@dataclass(frozen=True)
class Group:
    """A learner's group: its folders, one for each kind of limit; none where there are no groups."""

    folders: tuple[Path, ...]
    processes: int

    def enter(self) -> Callable[[], None]:
        """For the child of a fork, while it is still root: puts itself into the group."""
        files = [str(folder / "cgroup.procs") for folder in self.folders]

        def entered() -> None:
            for file in files:
                opened = os.open(file, os.O_WRONLY)
                os.write(opened, b"0")
                os.close(opened)
            if not files:
                resource.setrlimit(resource.RLIMIT_NPROC, (self.processes, self.processes))

        return entered


def open_(name: str, memory: int, processes: int, root: Path = ROOT) -> Group:
    """Makes the group of that name. `memory` in bytes. Never raises."""
    try:
        if (root / "cgroup.controllers").exists():
            folders: tuple[Path, ...] = (_second(root, name),)
            limits = {"memory.max": memory, "pids.max": processes}
        else:
            folders = (_first(root / "memory", name), _first(root / "pids", name))
            limits = {"memory.limit_in_bytes": memory, "pids.max": processes}
        for folder in folders:
            for file, most in limits.items():
                if (folder / file).exists():
                    (folder / file).write_text(str(most))
    except OSError:
        return Group((), processes)
    return Group(folders, processes)


def close(name: str, root: Path = ROOT) -> None:
    """Removes the group, when nothing runs in it any more."""
    for parent in (root, root / "memory", root / "pids"):
        with contextlib.suppress(OSError):
            (parent / OURS / name).rmdir()


def _first(controller: Path, name: str) -> Path:
    if not controller.is_dir():
        raise FileNotFoundError(controller)
    folder = controller / OURS / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _second(root: Path, name: str) -> Path:
    parent = root / OURS
    parent.mkdir(exist_ok=True)
    for each in (root, parent):
        (each / "cgroup.subtree_control").write_text("+memory +pids")
    folder = parent / name
    folder.mkdir(exist_ok=True)
    return folder
