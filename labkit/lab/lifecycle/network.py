"""The lab's own network. Its addresses are fixed, so that a Swarm survives a restart."""

import contextlib
import errno
import socket
import sys
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path

from labkit.errors import LabError
from labkit.lab import find
from labkit.lab.engine.engines import Engine
from labkit.lab.engine.wire import WireError
from labkit.lab.lifecycle import sweep
from labkit.lab.lifecycle.site import Site
from labkit.lab.plan import Machine, bridge

PREFIX = "10.203"
"""The addresses of labs' networks: the third number tells them apart."""

CLAIM = "\0registry-lab network"
"""A name that one process of the machine has at a time (an abstract socket). A lock file would need a folder that all users may
write to, and the kernel keeps root from opening others' files there (fs.protected_regular)."""

PATIENCE = 20.0
"""Seconds to wait for it. Then whoever holds it is not making a network."""


def ensure(site: Site) -> None:
    """Finds or creates the lab's network, and stores its prefix. Raises LabError."""
    if not (prefix := _prefix(site.engine, site.plan.name)):
        with claim(site.pause):
            prefix = _make(site)
    site.prefix = prefix


@contextlib.contextmanager
def claim(pause: Callable[[float], None] = time.sleep, patience: float = PATIENCE) -> Iterator[None]:
    """Only one process or thread of this machine at a time, whoever runs it and whichever engine it is for: two engines know
    nothing of each other's networks, and what is free is seen by the machine's routes. The system lets go of it when a
    process dies."""
    with socket.socket(socket.AF_UNIX) as held:
        deadline = time.monotonic() + patience
        while sys.platform == "linux" and time.monotonic() < deadline:
            try:
                held.bind(CLAIM)
                break
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    break  # a system without them, or one that forbids them: as good as it gets
            pause(0.02)
        yield


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
        taken = routed(Path("/proc/net/route").read_text())
    except OSError:
        taken = set()
    return (prefix for n in range(256) if (prefix := f"{PREFIX}.{n}") not in taken)


def routed(table: str) -> set[str]:
    """Which of them a routing table, as the kernel tells it, leads to. A route that is wider than all of them together, as the
    default one or a VPN's, does not count: a lab's own is narrower, and wins."""
    found = set()
    for destination, mask in ((row[1], row[7]) for row in map(str.split, table.splitlines()[1:])):
        address, netmask = (bytes.fromhex(part)[::-1] for part in (destination, mask))
        network = ip_network((address, int.from_bytes(netmask).bit_count()), strict=False)
        if network.prefixlen > 16 and str(network).startswith(f"{PREFIX}."):
            each = network.subnets(new_prefix=24) if network.prefixlen < 24 else [network]
            found |= {str(one.network_address).rpartition(".")[0] for one in each}
    return found
