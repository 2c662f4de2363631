"""What became of a machine: whether a reset can clear it, or has to have it made anew."""

import ipaddress
import json
import time
from dataclasses import dataclass
from typing import Any

from labkit.errors import LabError
from labkit.lab.engine.execute import execute
from labkit.lab.engine.wire import Wire, WireError
from labkit.lab.lab import Lab

PATIENCE = 5.0
"""Seconds after which a machine counts as not answering."""

JOINED = 3.0
"""Seconds that a node which has joined may take to have the Swarm's networks."""

SWARM_NETWORKS = {"ingress", "docker_gwbridge"}

PERSONAL = ("/root", "/home", "/tmp", "/var/tmp", "/srv", "/opt", "/mnt", "/media")  # noqa: S108  (the node's, not ours)
"""Where people leave their files; a reset empties these. A file that was changed anywhere else makes a machine odd."""

OWN = ("/proc", "/sys", "/dev", "/run", "/lab/pki", "/var/lib/containerd", "/var/lib/docker", "/etc/ssl/certs")
"""What the machine itself writes. Beside it /usr/lib and /usr/share are left out, four fifths of all files: who installs
something leaves traces elsewhere too (/var/lib/dpkg, /usr/bin, /etc)."""

STARTED = (
    "/",
    "/etc",
    "/etc/ssl",
    "/etc/mtab",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/var",
    "/var/lib",
    "/lab",
)
"""Files that an engine writes when it makes a container, and the folders that they and those of OWN are in."""

PRUNED = " -o ".join(f"-path {path}" for path in (*OWN, "/usr/lib", "/usr/share"))

PROBE = f"""exec 2>/dev/null
find / -xdev \\( {PRUNED} \\) -prune -o -cnewer /.dockerenv -print
find /etc/hostname /etc/hosts /etc/resolv.conf -newer /run/docker.pid -printf '%p (since the start)\\n'
! [ "$LAB_NODE" = workstation ] || tar -xOf /lab/myapp.tar manifest.json
"""
"""Tells, on a node, every file that was changed since its container was made, and the sample app's image."""

CLEAR = f"""
find {" ".join(PERSONAL)} -xdev -mindepth 1 -delete
echo "$1" | base64 -d | tar -xz -C /
"""
"""Empties the places of PERSONAL and puts a fresh /root there, which comes as its argument."""

FRESH_SWARM: dict[str, Any] = {
    "Name": "default",
    "Labels": {},
    "Orchestration": {"TaskHistoryRetentionLimit": 5},
    "Dispatcher": {"HeartbeatPeriod": 5_000_000_000},
    "CAConfig": {"NodeCertExpiry": 7_776_000_000_000_000},
    "TaskDefaults": {},
    "EncryptionConfig": {"AutoLockManagers": False},
}
"""A Swarm's settings as `docker swarm init` makes them."""

FRESH_GATEWAY = {
    "com.docker.network.bridge.enable_icc": "false",
    "com.docker.network.bridge.enable_ip_masquerade": "true",
    "com.docker.network.bridge.name": "docker_gwbridge",
}


FORGET = """
ls -A /var/lib/containerd/io.containerd.content.v1.content/blobs/sha256 2>/dev/null | grep -q . || exit 0
ctr -n moby content ls -q | xargs -r ctr -n moby content rm > /dev/null
"""
"""Takes the manifests away that an engine keeps: it never asks the registry for a digest again whose manifest it has, though
the image is gone (moby, distribution/manifest.go), and that pull would be in no access log."""


@dataclass(frozen=True)
class Condition:
    """A machine as a reset found it."""

    odd: str = ""
    """Why it has to be made anew; "" where it can be cleared."""
    member: str = ""
    """Its id in a Swarm that it is an active member of."""
    manages: bool = False
    known: frozenset[str] = frozenset()
    """Ids of the Swarm's nodes, of the manager."""
    strange: str = ""
    """Why its Swarm has to be made anew, of the manager."""
    untidy: bool = False
    """Whether somebody's files are on it."""
    sample: str = ""
    """The id of the sample app's image, of the workstation."""


def of(lab: Lab, machine: str) -> Condition:
    """Looks at a machine that runs. Raises LabError where this side is at fault."""
    role = lab.plan.machine(machine).role
    if role == "edge":
        return Condition(odd=silent(lab, machine))
    try:
        with lab.wire(machine, PATIENCE) as wire:
            if role == "node":
                return _node(lab, machine, wire)
            held = wire.get("/v2/_catalog")["repositories"]
            return Condition(odd=f"its registry holds {', '.join(held)}" if held else "")
    except WireError as error:
        return Condition(odd=f"it does not answer: {error}")


def silent(lab: Lab, machine: str) -> str:
    """Why a machine that runs does not answer; "" where it does. Raises LabError where this side is at fault."""
    try:
        with lab.wire(machine, PATIENCE) as wire:
            wire.request("GET", lab.plan.machine(machine).ping)
    except WireError as error:
        return f"it does not answer: {error}"
    return ""


def _node(lab: Lab, machine: str, wire: Wire) -> Condition:
    info = wire.get("/info")
    swarm = info["Swarm"]
    member = swarm["NodeID"] if swarm["LocalNodeState"] == "active" else ""
    networks = _networks(wire, bool(member))
    gateway = networks.get("docker_gwbridge")
    manages = bool(member and swarm["ControlAvailable"])
    first = machine == lab.plan.nodes[0].name
    try:
        odd, untidy, sample = told(execute(lab.engine, lab.parts[machine].id, ["sh", "-c", PROBE]))
    except LabError as error:  # it has lost its shell, or worse
        odd, untidy, sample = error.what, False, ""
    if member and not networks.keys() >= SWARM_NETWORKS:
        odd = odd or "it takes no part in the Swarm's networks"
    if gateway and not odd:
        odd = strange_gateway(gateway, info.get("DefaultAddressPools") or [])
    return Condition(
        odd=odd,
        member=member,
        manages=manages,
        known=frozenset(node["ID"] for node in wire.get("/nodes")) if first and manages else frozenset(),
        strange=_strange(wire) if first and manages else "",
        untidy=untidy,
        sample=sample,
    )


def _networks(wire: Wire, member: bool) -> dict[str, dict[str, Any]]:
    """The engine's networks by name. A member of a Swarm has the last of them a moment after it has joined."""
    deadline = time.monotonic() + JOINED
    while True:
        found = {network["Name"]: network for network in wire.get("/networks")}
        if not member or found.keys() >= SWARM_NETWORKS or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def told(output: str) -> tuple[str, bool, str]:
    """What PROBE printed: (why the machine is odd, whether somebody's files are on it, the sample app's image)."""
    untidy, sample = False, ""
    odd = []
    for line in output.splitlines():
        if line.startswith("["):
            sample = f"sha256:{json.loads(line)[0]['Config'].removesuffix('.json')}"
        elif line.startswith(tuple(f"{place}/" for place in PERSONAL)) or line in PERSONAL:
            untidy = True
        elif line not in (*STARTED, *OWN, "/.dockerenv"):
            odd.append(line)
    return (f"{odd[0]} was changed" if odd else ""), untidy, sample


def strange_gateway(network: dict[str, Any], pools: list[dict[str, Any]]) -> str:
    """Why docker_gwbridge is not as the engine itself makes it, from its first address pool; "" where it is."""
    first = [_first(pool["Base"], pool["Size"]) for pool in pools[:1]]
    subnets = [one["Subnet"] for one in network["IPAM"]["Config"] or []]
    fresh = network["Options"] == FRESH_GATEWAY and not network["Labels"] and (not first or subnets == first)
    return "" if fresh else "docker_gwbridge was changed"


def _strange(wire: Wire) -> str:
    swarm = wire.get("/swarm")
    managers = [one for one in wire.get("/nodes") if one["Spec"]["Role"] == "manager"]
    return strange_swarm(swarm, len(managers), [one for one in wire.get("/networks") if one.get("Ingress")])


def strange_swarm(swarm: dict[str, Any], managers: int, ingress: list[dict[str, Any]]) -> str:
    """Why the Swarm is not as `docker swarm init` makes it; "" where it is."""
    if managers > 1:
        return "another node is a manager too"
    if changed := [key for key, value in FRESH_SWARM.items() if swarm["Spec"].get(key) != value]:
        return f"its settings were changed: {changed[0]}"
    first = [_first(pool, swarm["SubnetSize"]) for pool in swarm["DefaultAddrPool"][:1]]
    subnets = [[one["Subnet"] for one in network["IPAM"]["Config"] or []] for network in ingress]
    options = [set(network["Options"]) - {"com.docker.network.driver.overlay.vxlanid_list"} for network in ingress]
    if subnets != [first] or any(options) or [one["Name"] for one in ingress] != ["ingress"]:
        return "its ingress network was changed"
    return ""


def _first(pool: str, size: int) -> str:
    return str(next(ipaddress.ip_network(pool).subnets(new_prefix=size)))


def tidy(lab: Lab, machine: str) -> None:
    """Empties the places where people leave files. Raises LabError."""
    # The edge is of the same image, and nobody works on it.
    fresh = execute(lab.engine, lab.parts["edge"].id, ["sh", "-c", "tar -C / -cz root | base64 -w0"])
    execute(lab.engine, lab.parts[machine].id, ["sh", "-c", CLEAR, "sh", fresh])


def sign_out(lab: Lab, machine: str) -> None:
    """Forgets sign-ins made in a shell on the machine. Raises LabError."""
    execute(lab.engine, lab.parts[machine].id, ["rm", "-f", "/root/.docker/config.json"])


def forget_manifests(lab: Lab, machine: str) -> None:
    """Has the engine ask the registry for each manifest anew. Raises LabError."""
    execute(lab.engine, lab.parts[machine].id, ["sh", "-c", FORGET])
