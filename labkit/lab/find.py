"""Finds a lab by the labels on its containers. There is no other record of what runs."""

import io
import json
import shlex
import tarfile
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from labkit import paths
from labkit.errors import LabError
from labkit.lab import contexts
from labkit.lab.access import Owner
from labkit.lab.engine.engines import Engine, running
from labkit.lab.engine.wire import WireError
from labkit.lab.lab import Instance, Lab, at_work
from labkit.lab.plan import INSIDE_STATE, JUPYTER, LABEL, MACHINE, OWNER, ROLE, Plan
from labkit.paths import Home


class Foreign(LabError):
    """A lab of the home's name is there, and it is somebody else's: it is left alone."""


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
            f"The lab {name} is yours, with another state folder: {state}.",
            f"LABKIT_STATE={shlex.quote(state)} labkit status   (or another lab: LABKIT_LAB={name}-2 labkit up)",
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
    filters = quote(json.dumps({"label": [f"{LABEL}={name}"]}))
    with engine.wire() as wire:
        found = wire.get(f"/{kind}?filters={filters}")
    return list(found["Volumes"] or [] if kind == "volumes" else found)


def on(engine: Engine, home: Home) -> Lab | None:
    """The home's lab on this engine, if any part of it is there. Raises Foreign where it is somebody else's."""
    found = containers(engine, home.name)
    if not found:
        return None
    for container in found:
        check_owner(container["Labels"], home)
    plan = Plan.from_labels(container["Labels"] for container in found)
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
    ports = [port["PublicPort"] for port in container.get("Ports", []) if port.get("IP") == "127.0.0.1"]
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
    """The home's lab on whichever engine carries it, or as its owner tells a guest of it; without a home, that of this
    process's environment. Raises LabError for a guest whose owner cannot be asked, and Foreign where the only lab of that name
    is somebody else's."""
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
    """The running lab. Raises LabError where there is none, or where its time is over."""
    lab = any_engine(home)
    if lab is None:
        guest = (home or paths.home()).guest
        raise LabError("The lab is not running.", "ask its owner: labkit up && labkit invite" if guest else "labkit up")
    if lab.expired:
        ended = datetime.fromtimestamp(lab.plan.deadline).astimezone()
        raise LabError(f"The lab's time ended at {ended:%H:%M on %d %B}.", "labkit down && labkit up")
    return lab


def adopt(lab: Lab) -> None:
    """Takes over the keys of a lab that Docker Compose started: its JupyterLab's container holds them."""
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
