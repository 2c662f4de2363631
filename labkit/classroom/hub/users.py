"""The system users of learners. They are found by the comment in the system's list of users, and nowhere else recorded."""

import contextlib
import pwd
import shutil
import subprocess
import threading
import time
from pathlib import Path

import psutil

from labkit.classroom.hub import naming
from labkit.errors import LabError
from labkit.lab.engine import processes

_ONE = threading.Lock()
"""useradd and userdel give up where another one holds the list of users."""


def ensure(name: str, realm: str, homes: Path) -> Path:
    """The home of that user, who is made if there is none: with a group of their own, no password, and a home that nobody else
    can read. Raises LabError."""
    with _ONE:
        try:
            known = pwd.getpwnam(name)
        except KeyError:
            homes.mkdir(parents=True, exist_ok=True)
            homes.chmod(0o711)  # nobody lists who is there
            words = ["--create-home", "--home-dir", str(homes / name), "--shell", "/bin/bash", "--user-group"]
            _run("useradd", *words, "--comment", naming.comment(realm), name)
            known = pwd.getpwnam(name)
        if known.pw_gecos != naming.comment(realm):
            raise LabError(f"The user {name} of this machine is not one of the classroom's.", f"userdel {name}")
        home = Path(known.pw_dir)
        if not home.is_dir():  # somebody has removed it: a user's files are theirs to lose
            home.mkdir(parents=True, mode=0o700)
            shutil.chown(home, known.pw_uid, known.pw_gid)
        home.chmod(0o700)
    return home


def made(realm: str) -> list[str]:
    """The users of that workshop."""
    return sorted(one.pw_name for one in pwd.getpwall() if one.pw_gecos == naming.comment(realm))


def forget(realm: str) -> list[str]:
    """Removes the users of that workshop, with what they run and with their homes. Returns their names. Raises LabError."""
    names = made(realm)
    for name in names:
        end_processes(name)
        with _ONE:
            _run("userdel", "--remove", name)
    return names


def end_processes(name: str, patience: float = 5.0) -> None:
    """Ends whatever that user still runs, and waits until it is gone."""
    try:
        number = pwd.getpwnam(name).pw_uid
    except KeyError:
        return
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        left = [one for one in psutil.process_iter(["uids"]) if one.info["uids"] and one.info["uids"].real == number]
        left = [one for one in left if processes.alive(one.pid)]
        if not left:
            return
        for one in left:
            with contextlib.suppress(psutil.Error):
                one.kill()
        time.sleep(0.05)


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    # 12: the home could not be removed; it was not there, or is somebody else's
    if done.returncode and not (words[0] == "userdel" and done.returncode == 12):
        said = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise LabError(f"{words[0]} failed: {said}", " ".join(words))
