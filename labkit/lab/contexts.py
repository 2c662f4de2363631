"""The lab's own Docker configuration folder: one context per machine, with the workstation's in use.

The layout is the docker CLI's (docker/cli, cli/context/store): a context's folder is named after the SHA-256 of its name.
"""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from labkit.lab.plan import MANAGER
from labkit.paths import DOCKER
from labkit.work import keeping

TASKS = r"table {{.Name}}\t{{.Node}}\t{{.CurrentState}}\t{{.Error}}"
"""What `docker service ps` prints of tasks: only as many columns as fit into a cell beside the panel (some 60 characters).
`--format table` prints all of them."""

EMPTY = {"auths": {"nobody.registry.lab": {}}, "currentContext": MANAGER, "tasksFormat": TASKS}
"""The entry for nobody keeps the docker CLI from choosing the system's keychain. There, the learner's own sign-in to the
real Docker Hub has the same name as the lab's (docker/cli, config/credentials/default_store.go)."""

KEYS = ("ca.pem", "cert.pem", "key.pem")

DOWN = "the-lab-is-down--run-labkit-up"
"""After the lab's end: the name of the context in use, and the end of every context's address."""

NOWHERE = f"unix:///dev/null/{DOWN}"
"""Nobody can listen there, it is short enough for a socket's address, and docker prints it."""


def folder(state: Path) -> Path:
    """The Docker configuration folder (DOCKER_CONFIG) of the lab that keeps its state there."""
    return state / DOCKER


def tls_folder(state: Path, name: str) -> Path:
    """ca.pem, cert.pem and key.pem for the engine of that machine."""
    return folder(state) / "contexts" / "tls" / hashlib.sha256(name.encode()).hexdigest() / "docker"


def write(state: Path, addresses: dict[str, str]) -> None:
    """Writes a context for each machine ({name: tcp://host:port}) and keeps the sign-ins in config.json. Raises OSError."""
    client = state / "pki" / "client"
    there = _there(state)  # tells of those that are damaged
    if DOWN in there.values():
        shutil.rmtree(_meta(state, DOWN), ignore_errors=True)
    for name, url in addresses.items():
        description = "where you type" if name == MANAGER else "another machine"
        _describe(state, name, description, url)
        tls = tls_folder(state, name)
        tls.mkdir(parents=True, exist_ok=True, mode=0o700)
        for file in KEYS:
            keeping.write_whole(tls / file, (client / file).read_bytes(), mode=0o600, lasting=False)
    _write(folder(state) / "config.json", {**EMPTY, **config(state), "currentContext": MANAGER})


def close(state: Path) -> None:
    """Leaves contexts that lead nowhere after a lab is down, and removes their keys. Without this folder, or without a context
    in use, docker would use the learner's own engine, and the next `docker rm` would hit that one. Raises OSError."""
    if folder(state).is_dir():
        names = {MANAGER, DOWN, *_there(state).values()}
        _write(folder(state) / "config.json", {**EMPTY, "currentContext": DOWN})  # first: it is in use from here on
        for name in names:
            _describe(state, name, "the lab is down: labkit up", NOWHERE)
        _keep_only(state, names)
        shutil.rmtree(folder(state) / "contexts" / "tls", ignore_errors=True)


def _meta(state: Path, name: str) -> Path:
    return folder(state) / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()


def _describe(state: Path, name: str, description: str, url: str) -> None:
    endpoint = {"Host": url, "SkipTLSVerify": False}
    content = {"Name": name, "Metadata": {"Description": description}, "Endpoints": {"docker": endpoint}}
    meta = _meta(state, name)
    meta.mkdir(parents=True, exist_ok=True)
    _write(meta / "meta.json", content)


def _there(state: Path) -> dict[Path, str]:
    """{file: context name} of the contexts that exist. Damaged ones are set aside."""
    files = folder(state).glob("contexts/meta/*/meta.json")
    found = {file: keeping.load(file, lambda content: _address(content)[0], "") for file in files}
    return {file: name for file, name in found.items() if name}


def _address(content: bytes) -> tuple[str, str]:
    """Name and host of a meta.json. Raises one of keeping.ODD."""
    data = json.loads(content)
    return str(data["Name"]), str(data["Endpoints"]["docker"]["Host"])


def addresses(state: Path) -> dict[str, str]:
    """{name: tcp://host:port} of the contexts that exist. Damaged ones are set aside."""
    files = folder(state).glob("contexts/meta/*/meta.json")
    found = [keeping.load(file, _address, ("", "")) for file in files]
    return {name: url for name, url in found if name}


def config(state: Path) -> dict[str, Any]:
    """The docker CLI's config.json in the lab's folder; empty if there is none. A damaged one is set aside and at once replaced
    by one without sign-ins: without any, docker would use the learner's own engine."""
    file = folder(state) / "config.json"
    held = keeping.load(file, _table, None)
    if held is None and folder(state).is_dir() and not file.exists():
        with contextlib.suppress(OSError):
            _write(file, EMPTY)
    return held or {}


def _table(content: bytes) -> dict[str, Any]:
    data = json.loads(content)
    if not isinstance(data, dict):
        raise TypeError
    return data


def sign_out(state: Path) -> None:
    """Removes every sign-in, as `docker logout` does for one."""
    _write(folder(state) / "config.json", EMPTY)


def restore(state: Path, addresses: dict[str, str]) -> None:
    """Resets the folder to its state when the lab had just started: only these contexts, no sign-ins, no settings, and nothing
    from the CLI's plugins."""
    _keep_only(state, addresses)
    _write(folder(state) / "config.json", EMPTY)
    write(state, addresses)


def _keep_only(state: Path, names: Iterable[str]) -> None:
    own = {hashlib.sha256(name.encode()).hexdigest() for name in names}
    kept = {"contexts": {"meta", "tls"}, "contexts/meta": own, "contexts/tls": own, "": {"contexts", "config.json"}}
    for place, known in kept.items():
        there = folder(state) / place
        for path in there.iterdir() if there.is_dir() else ():
            if path.name in known:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _write(path: Path, data: dict[str, Any]) -> None:
    keeping.write_whole(path, json.dumps(data, indent=2) + "\n", mode=0o600)
