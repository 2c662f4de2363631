"""Observes a machine's Docker Engine."""

from typing import Any

from labkit.edge.summary import fingerprint
from labkit.lab.engine.wire import Wire
from labkit.lab.lab import Lab
from labkit.lab.looking import PATIENCE
from labkit.seen.engines import Container, Engine, Image

UNHEALTHY = '/containers/json?all=1&filters={"health":["unhealthy"]}'
"""Stopped containers too: a task's container is kept for a while, with the last result of its health check."""


def look(lab: Lab, machine: str) -> Engine:
    """Its images and containers. Raises LabError or WireError if it does not answer."""
    with lab.wire(machine, PATIENCE) as wire:
        unhealthy = {container["Id"] for container in wire.get(UNHEALTHY)}
        return Engine(
            images=tuple(_image(wire, image) for image in sorted(wire.get("/images/json"), key=_order)),
            containers=tuple(_container(container, unhealthy) for container in wire.get("/containers/json?all=1")),
        )


def _order(image: dict[str, Any]) -> tuple[int, str]:
    """The newest first, as Docker tells them, but always the same where two are equally old."""
    return -image["Created"], image["Id"]


def _image(wire: Wire, image: dict[str, Any]) -> Image:
    details = wire.get(f"/images/{image['Id']}/json")
    return Image(
        id=image["Id"],
        tags=tuple(sorted(image.get("RepoTags") or [])),
        digests=tuple(sorted(image.get("RepoDigests") or [])),
        labels=image.get("Labels") or {},
        fingerprint=fingerprint(details["RootFS"].get("Layers") or [], details["Config"]),
    )


def _container(container: dict[str, Any], unhealthy: set[str]) -> Container:
    labels = container.get("Labels") or {}
    return Container(
        name=container["Names"][0].lstrip("/") if container.get("Names") else "",
        image=container["Image"],
        state=container["State"],
        service=labels.get("com.docker.swarm.service.name", ""),
        task=labels.get("com.docker.swarm.task.id", ""),
        unhealthy=container["Id"] in unhealthy,
    )
