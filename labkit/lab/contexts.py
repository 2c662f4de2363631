"""The lab's own Docker configuration folder: one context a machine, the workstation's in use.

The layout is the docker CLI's (docker/cli, cli/context/store): the folder of a context is the SHA-256 of its name.
"""

import contextlib
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from labkit.lab.plan import MANAGER
from labkit.work.keeping import write_whole

EMPTY = {"auths": {"nobody.registry.lab": {}}, "currentContext": MANAGER}
"""The entry for nobody keeps the docker CLI from choosing the system's keychain, where the learner's own sign-in to the
real Docker Hub lies under the very name that the lab's has (docker/cli, config/credentials/default_store.go)."""

KEYS = ("ca.pem", "cert.pem", "key.pem")


def folder(state: Path) -> Path:
    """The Docker configuration folder (DOCKER_CONFIG) of the lab that keeps its state there."""
    return state / "docker"


def tls_folder(state: Path, name: str) -> Path:
    """ca.pem, cert.pem and key.pem for the engine of that machine."""
    return folder(state) / "contexts" / "tls" / hashlib.sha256(name.encode()).hexdigest() / "docker"


def write(state: Path, addresses: dict[str, str]) -> None:
    """Writes a context for each machine ({name: tcp://host:port}). Sign-ins in config.json are kept."""
    client = state / "pki" / "client"
    for name, url in addresses.items():
        meta = folder(state) / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
        meta.mkdir(parents=True, exist_ok=True)
        description = "where you type" if name == MANAGER else "another machine"
        endpoint = {"Host": url, "SkipTLSVerify": False}
        content = {"Name": name, "Metadata": {"Description": description}, "Endpoints": {"docker": endpoint}}
        _write(meta / "meta.json", content)
        tls = tls_folder(state, name)
        tls.mkdir(parents=True, exist_ok=True, mode=0o700)
        for file in KEYS:
            shutil.copyfile(client / file, tls / file)
            (tls / file).chmod(0o600)
    _write(folder(state) / "config.json", {**EMPTY, **config(state), "currentContext": MANAGER})


def addresses(state: Path) -> dict[str, str]:
    """{name: tcp://host:port} of the contexts that are there; what is damaged is left out."""
    found = {}
    for meta in folder(state).glob("contexts/meta/*/meta.json"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            data = json.loads(meta.read_text())
            found[str(data["Name"])] = str(data["Endpoints"]["docker"]["Host"])
    return found


def config(state: Path) -> dict[str, Any]:
    """The docker CLI's config.json in the lab's folder; empty where there is none or it is damaged."""
    try:
        data = json.loads((folder(state) / "config.json").read_text())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def sign_out(state: Path) -> None:
    """Forgets every sign-in, as `docker logout` does for one."""
    _write(folder(state) / "config.json", EMPTY)


def restore(state: Path, addresses: dict[str, str]) -> None:
    """Makes the folder as it was when the lab had just started: these contexts and no other, no sign-in, no setting, and
    nothing that the CLI's plugins keep there."""
    own = {hashlib.sha256(name.encode()).hexdigest() for name in addresses}
    kept = {"contexts": {"meta", "tls"}, "contexts/meta": own, "contexts/tls": own, "": {"contexts", "config.json"}}
    for place, names in kept.items():
        there = folder(state) / place
        for path in there.iterdir() if there.is_dir() else ():
            if path.name in names:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
    _write(folder(state) / "config.json", EMPTY)
    write(state, addresses)


def _write(path: Path, data: dict[str, Any]) -> None:
    write_whole(path, json.dumps(data, indent=2) + "\n", mode=0o600)
