"""Writes a guest's access to a lab into a folder. Folder and files belong to the guest, and nobody else can read them."""

import json
import os
import pwd
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from labkit.content import sealed
from labkit.errors import LabError
from labkit.lab import contexts
from labkit.lab.engine.wire import WireError
from labkit.lab.guest import asking
from labkit.lab.lab import Lab, client_keys
from labkit.lab.lifecycle import keeper
from labkit.paths import COURSE

PATIENCE = 30.0


def invite(lab: Lab, folder: Path, user: str = "") -> str:
    """Has the lab's keeper answer guests, and writes the access for that system user, or for whoever calls. What a guest keeps
    in the folder stays. In a graded workshop they get the course too, without its right answers and solutions. Returns the
    owner's address. Raises LabError."""
    _keys(lab)  # before anybody answers with them
    keeper.receive(lab)
    owner = _wait(lab)
    write(lab, owner, folder, user)
    return owner


def write(lab: Lab, owner: str, folder: Path, user: str = "") -> None:
    """The same where somebody answers guests at that address already. Raises LabError."""
    keys = _keys(lab)
    told = json.dumps({"owner": owner, "lab": lab.name}, indent=2) + "\n"
    files = {f"pki/client/{name}": key for name, key in keys.items()} | {asking.FILE: told.encode()}
    course = {f"{COURSE}/{name}": content for name, content in sealed.course().items()} if lab.plan.key else {}
    addresses = {node.machine: lab.url(node.machine) for node in lab.nodes}

    def fill() -> None:
        _private(folder)
        shutil.rmtree(folder / COURSE, ignore_errors=True)
        for name, content in {**files, **course}.items():
            _write(folder / name, content)
        contexts.write(folder, addresses)

    if not user:
        _as_text(folder, fill)
        return
    try:
        who = pwd.getpwnam(user)
    except KeyError as error:
        raise LabError(f"This machine has no user {user!r}.", f"useradd --create-home {user}") from error
    if who.pw_uid == os.geteuid():
        _as_text(folder, fill)
    else:
        _give(folder, who)
        _as(who, lambda: _as_text(folder, fill))


def _keys(lab: Lab) -> dict[str, bytes]:
    return {file: _key(lab, file) for file in contexts.KEYS}


def _key(lab: Lab, file: str) -> bytes:
    try:
        return (client_keys(lab.folder).parent / "guest" / file).read_bytes()
    except OSError as error:
        if lab.plan.composed:
            raise LabError(
                "A lab started by Docker Compose can't have guests.", "labkit up   (starts a lab that can)"
            ) from error
        raise LabError(
            f"This lab was started without keys for guests: {error.filename} is missing.", "labkit down && labkit up"
        ) from error


def _wait(lab: Lab) -> str:
    """The address of the owner's service, once it answers. Raises LabError."""
    end, problem = time.monotonic() + PATIENCE, "it has not chosen a port"
    guest = client_keys(lab.folder).parent / "guest"
    while time.monotonic() < end:
        if port := keeper.port(lab.home):
            owner = f"https://127.0.0.1:{port}"
            try:
                asking.get(owner, guest, "/lab")
            except WireError as error:
                problem = str(error)
            else:
                return owner
        time.sleep(0.05)
    raise LabError(f"The lab's keeper does not answer guests: {problem}.", f"read {lab.folder / 'keeper.log'}")


def _private(folder: Path) -> None:
    """Raises LabError where the folder holds something else: it is made private."""
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    if any(folder.iterdir()) and not any(folder.glob(f"{asking.FILE}*")):  # also one that was damaged
        raise LabError(f"{folder} already contains other files.", f"labkit invite {folder / 'lab'}")
    folder.chmod(0o700)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_bytes(content)
    partial.replace(path)


def _as_text(folder: Path, do: Callable[[], None]) -> None:
    try:
        do()
    except OSError as error:
        raise LabError(
            f"{folder} could not be written: {error.strerror}: {error.filename}.", "choose another folder"
        ) from error


def _give(folder: Path, who: pwd.struct_passwd) -> None:
    """Makes the folder for that user, who need not be allowed to make it. Raises LabError."""
    if os.geteuid():
        raise LabError(
            "Only root can write files for another user.", f"sudo labkit invite {folder} --user {who.pw_name}"
        )

    def make() -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if not folder.is_dir():
            folder.mkdir(mode=0o700)
            os.chown(folder, who.pw_uid, who.pw_gid, follow_symlinks=False)

    _as_text(folder, make)


def _as(who: pwd.struct_passwd, do: Callable[[], None]) -> None:
    """Does it with that user's rights only: in a folder of theirs, a link that they have put there leads root nowhere."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(who.pw_gid)
            os.setuid(who.pw_uid)
            do()
        except BaseException as error:  # told to the parent, whatever it is
            what, fix = (error.what, error.fix) if isinstance(error, LabError) else (repr(error), "")
            os.write(writing, json.dumps([what, fix]).encode())
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    if told:
        what, fix = json.loads(told)
        raise LabError(what, fix)
