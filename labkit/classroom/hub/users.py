"""The system users of learners. They are found by the comment in the system's list of users, and nowhere else recorded."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import psutil

from labkit.classroom.hub import naming
from labkit.errors import LabError
from labkit.lab.engine import processes

RUN = Path("/run/labkit")
"""Where Jupyter of these users keeps sockets and keys while it runs."""

NUMBERS = Path("/proc/self/uid_map")
"""Which numbers of users there are: within a container perhaps only the first ones."""

NEVER = "1970-01-02"
"""When these accounts have expired: what runs as these users is started by root, and nothing else lets them in, be it sshd with
a key that is in the home, or cron."""

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
            words += ["--comment", naming.comment(realm), "--expiredate", NEVER, "--no-log-init", *_number(name)]
            _run("useradd", *words, name)
            known = pwd.getpwnam(name)
        if known.pw_gecos != naming.comment(realm):
            raise LabError(f"The user {name} of this machine is not one of the classroom's.", f"userdel {name}")
        home = Path(known.pw_dir)
        if not home.is_dir():  # somebody has removed it: a user's files are theirs to lose
            home.mkdir(parents=True, mode=0o700)
            shutil.chown(home, known.pw_uid, known.pw_gid)
        if home.stat().st_uid != known.pw_uid:  # on a shared disk: on another server the user has another number
            _give(home, known.pw_uid, known.pw_gid)
        home.chmod(0o700)
    return home


def _number(name: str) -> list[str]:
    """Words for useradd: the user's own number, or none where this machine has it not or it is another's."""
    wanted = naming.number(name)
    known = [tuple(map(int, line.split())) for line in NUMBERS.read_text().splitlines()] if NUMBERS.exists() else []
    with contextlib.suppress(KeyError):
        pwd.getpwuid(wanted)
        return []
    if not any(first <= wanted < first + count for first, _, count in known):
        return []
    return ["--uid", str(wanted), "--key", f"GID_MIN={wanted}", "--key", f"GID_MAX={wanted}"]  # the group's is the same


def _give(home: Path, owner: int, group: int) -> None:
    """All that is in there, and no place that a link in there leads to. Raises LabError."""
    try:
        for _, folders, files, at in os.fwalk(home, follow_symlinks=False):
            for each in (*folders, *files):
                os.chown(each, owner, group, dir_fd=at, follow_symlinks=False)
        os.chown(home, owner, group)
    except OSError as error:
        raise LabError(
            f"The home {home} belongs to another user, and cannot be given to this one: {error.strerror}.",
            "let root of this server own files on the shared disk (NFS: no_root_squash), or use no shared one",
        ) from error


def runtime(name: str) -> Path:
    """A folder that only this user can open, with a short name: what kernels listen on has to fit into 107 characters."""
    known, folder = pwd.getpwnam(name), RUN / name
    RUN.mkdir(mode=0o711, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    os.chown(folder, known.pw_uid, known.pw_gid, follow_symlinks=False)
    return folder


def made(realm: str) -> list[str]:
    """The users of that workshop."""
    return sorted(one.pw_name for one in pwd.getpwall() if one.pw_gecos == naming.comment(realm))


def forget(realm: str) -> list[str]:
    """Removes the users of that workshop, with what they run and with their homes. Returns their names. Raises LabError."""
    names, failed = made(realm), None
    for name in names:
        end_processes(name)
        try:
            with _ONE:
                _run("userdel", "--remove", name)
        except LabError as error:  # the others go all the same
            failed = error
            continue
        shutil.rmtree(RUN / name, ignore_errors=True)
    if failed:
        raise failed
    return names


def end_all(realm: str) -> None:
    """Ends whatever the users of that workshop run."""
    for name in made(realm):
        end_processes(name)


def end_processes(name: str, patience: float = 5.0) -> None:
    """Ends whatever that user still runs, and waits until it is gone."""
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        return
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        _kill_all(user)
        left = [
            one for one in psutil.process_iter(["uids"]) if one.info["uids"] and one.info["uids"].real == user.pw_uid
        ]
        left = [one for one in left if processes.alive(one.pid)]
        if not left:
            return
        for one in left:  # one that kills whatever its user runs, and so what was to kill it, too, is alone
            with contextlib.suppress(psutil.Error):
                one.kill()
        time.sleep(0.05)


def _kill_all(user: pwd.struct_passwd) -> None:
    """Kills all processes of that user in one call of the kernel: those that come and go faster than anybody lists them, too.
    The kernel asks who sends the signal, so a process of that user does."""
    if not user.pw_uid or os.geteuid():
        return
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
            os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
            if os.getresuid() == (user.pw_uid,) * 3:  # as root it would be everything
                os.kill(-1, signal.SIGKILL)
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    # 12: the home could not be removed; it was not there, or is somebody else's
    if done.returncode and not (words[0] == "userdel" and done.returncode == 12):
        said = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise LabError(f"{words[0]} failed: {said}", " ".join(words))
