"""The lab's own network. Its addresses are fixed, so that a Swarm survives a restart."""

from collections.abc import Iterator
from pathlib import Path

from labkit.errors import LabError
from labkit.lab import find
from labkit.lab.engine.engines import Engine
from labkit.lab.engine.wire import WireError
from labkit.lab.lifecycle import sweep
from labkit.lab.lifecycle.site import Site
from labkit.lab.plan import Machine, bridge


def ensure(site: Site) -> None:
    """Finds or creates the lab's network, and stores its prefix. Raises LabError."""
    site.prefix = _prefix(site.engine, site.plan.name) or _make(site)


def connect(site: Site, machine: Machine, container: str) -> None:
    """Connects a running machine to the network again after somebody disconnected it. Raises LabError."""
    prefix = _prefix(site.engine, site.plan.name)
    settings = {"IPAMConfig": {"IPv4Address": f"{prefix}.{machine.host}"}, "Aliases": list(machine.aliases)}
    try:
        with site.engine.wire(timeout=60) as wire:
            body = {"Container": container, "EndpointConfig": settings}
            wire.request("POST", f"/networks/{site.plan.name}/connect", body)
    except WireError as error:
        told = f"The machine {machine.name} could not be connected to the lab's network: {error}."
        raise LabError(told, "labkit down && labkit up") from error


def _prefix(engine: Engine, name: str) -> str:
    for network in find.labelled(engine, "networks", name):
        for pool in network["IPAM"]["Config"] or []:
            return str(pool["Subnet"]).rsplit(".", 1)[0]
    return ""


def _make(site: Site) -> str:
    for prefix in free():
        body = {
            "Name": site.plan.name,
            "CheckDuplicate": True,
            "Driver": "bridge",
            "IPAM": {"Config": [{"Subnet": f"{prefix}.0/24", "Gateway": f"{prefix}.1"}]},
            "Options": bridge(prefix),
            "Labels": site.plan.bare_labels,
        }
        try:
            with site.engine.wire(timeout=60) as wire:
                wire.request("POST", "/networks/create", body)
        except WireError as error:
            if "overlap" in str(error):
                continue
            sweep.parts(site.engine, site.home)  # it is there already: somebody else's?
            raise LabError(f"The lab's network could not be created: {error}.", "labkit doctor") from error
        return prefix
    raise LabError("No free network address was found for the lab.", "docker network prune")


def free() -> Iterator[str]:
    """Private /24 networks that this machine has no route to."""
    try:
        rows = [line.split() for line in Path("/proc/net/route").read_text().splitlines()[1:]]
        routed = {".".join(str(byte) for byte in bytes.fromhex(row[1])[::-1][:3]) for row in rows}
    except OSError:
        routed = set()
    return (prefix for n in range(256) if (prefix := f"10.203.{n}") not in routed)
