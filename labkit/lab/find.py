"""Finds a lab by the labels on its containers. There is no other record of what runs."""

import io
import json
import shlex
import tarfile
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from labkit import paths
from labkit.errors import LabError
from labkit.lab import contexts, limit
from labkit.lab.access import Owner
from labkit.lab.engine.engines import Engine, running
from labkit.lab.engine.wire import WireError
from labkit.lab.lab import Instance, Lab, at_work
from labkit.lab.plan import INSIDE_STATE, JUPYTER, LABEL, MACHINE, OWNER, ROLE, Plan
from labkit.paths import Home


class Foreign(LabError):
    """A lab with the home's name exists, and belongs to somebody else: it is left alone."""


def check_owner(labels: Mapping[str, str], home: Home) -> None:
    """Raises Foreign where these labels, of a part of a lab, name another owner. Who is in the lab's own network has it. A lab
    of Docker Compose's says a user's name alone; one that says nothing is of an older labkit."""
    owner = labels.get(OWNER, "")
    whose, _, state = owner.partition(":")
    if not owner or home.inside or owner in (home.owner, home.owner.partition("@")[0]):
        return
    name, (me, _, _) = home.name, home.owner.partition(":")
    if whose == me:
        raise Foreign(
            f"The lab {name} is yours, but it was started with another state folder: {state}.",
            f"LABKIT_STATE={shlex.quote(state)} labkit status   (or start another lab: LABKIT_LAB={name}-2 labkit up)",
        )
    place = f" (state folder {state})" if state else ""
    raise Foreign(
        f"The lab {name} on this engine is not yours: it belongs to {whose}{place}.",
        f"LABKIT_LAB={name}-{'2' if name.endswith(paths.user()) else paths.user()} labkit up   (a lab of your own)",
    )


def containers(engine: Engine, name: str) -> list[dict[str, Any]]:
    """The containers of that lab, as the Engine API lists them."""
    filters = quote(json.dumps({"label": [f"{LABEL}={name}"]}))
    with engine.wire() as wire:
        found: list[dict[str, Any]] = wire.get(f"/containers/json?all=1&filters={filters}")
    return found


def labelled(engine: Engine, kind: str, name: str) -> list[dict[str, Any]]:
    """The `networks` or `volumes` of that lab, as the Engine API lists them."""
    return _with(engine, kind, f"{LABEL}={name}")


def owned(engine: Engine, kind: str, owner: str) -> list[dict[str, Any]]:
    """The `containers`, `networks` or `volumes` of all labs of that owner (Home.owner), as the Engine API lists them."""
    return _with(engine, "containers/json?all=1&" if kind == "containers" else kind, f"{OWNER}={owner}")


def _with(engine: Engine, path: str, label: str) -> list[dict[str, Any]]:
    filters = quote(json.dumps({"label": [label]}))
    with engine.wire() as wire:
        found = wire.get(f"/{path}{'' if path.endswith('&') else '?'}filters={filters}")
    return list(found["Volumes"] or [] if path == "volumes" else found)


def on(engine: Engine, home: Home) -> Lab | None:
    """The home's lab on this engine, if any part of it exists. Raises Foreign if it belongs to somebody else."""
    found = containers(engine, home.name)
    if not found:
        return None
    for container in found:
        check_owner(container["Labels"], home)
    plan = limit.applied(home, Plan.from_labels(container["Labels"] for container in found))
    instances = [instance(container) for container in found]
    return Lab(
        plan=plan,
        home=at_work(home, plan),
        access=Owner(engine),
        parts={each.machine: each for each in instances if each.machine},
    )


def instance(container: dict[str, Any]) -> Instance:
    """A container as the Engine API lists it."""
    labels = container["Labels"]
    # JupyterLab's container has two: its own is the lower one.
    listed = sorted(container.get("Ports", []), key=lambda port: port["PrivatePort"])
    ports = [port["PublicPort"] for port in listed if port.get("IP") == "127.0.0.1"]
    networks = container["NetworkSettings"]["Networks"].values()
    return Instance(
        id=container["Id"],
        machine=labels.get(MACHINE, ""),
        role=labels.get(ROLE, ""),
        state=container["State"],
        address=next((network["IPAddress"] for network in networks if network["IPAddress"]), ""),
        port=ports[0] if ports else None,
        image=container["Image"],
    )


def any_engine(home: Home | None = None) -> Lab | None:
    """The home's lab, on whichever engine runs it, or as its owner describes it to a guest; without a home, that of this
    process's environment. Raises LabError for a guest whose owner cannot be asked, and Foreign if the only lab with that
    name belongs to somebody else."""
    home = home or paths.home()
    if home.guest:
        from labkit.lab.guest import found

        return found.lab(home)
    foreign: Foreign | None = None
    for engine in running(home):
        try:
            lab = on(engine, home)
        except Foreign as error:
            foreign = foreign or error
            continue
        if lab:
            adopt(lab)
            return lab
    if foreign:
        raise foreign
    return None


def current(home: Home | None = None) -> Lab:
    """The running lab. Raises LabError if there is none, or if its time is over."""
    home = home or paths.home()
    lab = any_engine(home)
    if lab is None:
        ended = limit.ended(home)
        fix = "ask its owner: labkit up && labkit invite" if home.guest else "labkit up"
        raise LabError(limit.told(ended) if ended else "The lab is not running.", fix)
    if lab.expired:
        raise LabError(limit.told(lab.plan.deadline), "labkit down && labkit up")
    return lab


def adopt(lab: Lab) -> None:
    """Takes over the keys of a lab that Docker Compose started: its JupyterLab's container has them."""
    jupyter = lab.parts.get(JUPYTER)
    if jupyter is None or lab.keys.exists():
        return
    with lab.engine.wire() as wire:
        try:
            content = wire.request("GET", f"/containers/{jupyter.id}/archive?path={INSIDE_STATE}/pki/client/.")
        except WireError:
            return  # it is still starting
    lab.keys.mkdir(parents=True, mode=0o700)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(lab.keys, filter="data")
    contexts.write(lab.folder, {node.machine: lab.url(node.machine) for node in lab.nodes})
