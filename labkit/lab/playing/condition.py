"""The state of a machine: whether a reset can clear it or has to create it again."""

import ipaddress
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.errors import LabError
from labkit.lab.engine.execute import execute
from labkit.lab.engine.wire import Wire, WireError
from labkit.lab.lab import Lab

PATIENCE = 5.0
"""Seconds after which a machine counts as not answering."""

JOINED = 3.0
"""Seconds after joining within which a node has to have the Swarm's networks."""

SWARM_NETWORKS = {"ingress", "docker_gwbridge"}

PERSONAL = ("/root", "/home", "/tmp", "/var/tmp", "/srv", "/opt", "/mnt", "/media")  # noqa: S108  (the node's, not ours)
"""Where people leave their files; a reset empties these. If a file changed anywhere else, the machine is created again."""

OWN = ("/proc", "/sys", "/dev", "/run", "/lab/pki", "/var/lib/containerd", "/var/lib/docker", "/etc/ssl/certs")
"""What the machine itself writes. PRUNED also skips /usr/lib and /usr/share, four fifths of all files: installing something
leaves traces elsewhere too (/var/lib/dpkg, /usr/bin, /etc)."""

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
"""Files that an engine writes when it creates a container, and the folders of those and of OWN."""

SETTINGS = "/etc/docker/daemon.json"
SAYS = "settings: "
CLEARED = {"registry-mirrors", "insecure-registries"}
"""Engine settings that a reset can undo without creating the machine again."""

CERTIFICATES = "/etc/docker/certs.d"
"""Which certificates an engine trusts, by registry. It reads them at each request, so a reset takes them back."""

PRUNED = " -o ".join(f"-path {path}" for path in (*OWN, "/usr/lib", "/usr/share"))

PROBE = f"""exec 2>/dev/null
find / -xdev \\( {PRUNED} \\) -prune -o -cnewer /.dockerenv -print
find /etc/hostname /etc/hosts /etc/resolv.conf -newer /run/docker.pid -printf '%p (since the start)\\n'
[ ! -e {SETTINGS} ] || printf '{SAYS}%s\n' "$(tr '\n' ' ' < {SETTINGS})"
! [ "$LAB_NODE" = workstation ] || tar -xOf /lab/myapp.tar manifest.json
"""
"""Prints, on a node, every file that changed since its container was created, the engine's settings, and the sample app's
image."""

CLEAR = f"""
find {" ".join(PERSONAL)} -xdev -mindepth 1 -delete
echo "$1" | base64 -d | tar -xz -C /
"""
"""Empties the folders of PERSONAL and unpacks a fresh /root, its argument."""

FRESH_SWARM: dict[str, Any] = {
    "Name": "default",
    "Labels": {},
    "Orchestration": {"TaskHistoryRetentionLimit": 5},
    "Dispatcher": {"HeartbeatPeriod": 5_000_000_000},
    "CAConfig": {"NodeCertExpiry": 7_776_000_000_000_000},
    "TaskDefaults": {},
    "EncryptionConfig": {"AutoLockManagers": False},
}
"""A Swarm's settings after `docker swarm init`."""

FRESH_GATEWAY = {
    "com.docker.network.bridge.enable_icc": "false",
    "com.docker.network.bridge.enable_ip_masquerade": "true",
    "com.docker.network.bridge.name": "docker_gwbridge",
}


FORGET = """
rm -f /var/lib/docker/image/*/distribution/*/sha256/*
ls -A /var/lib/containerd/io.containerd.content.v1.content/blobs/sha256 2>/dev/null | grep -q . || exit 0
ctr -n moby content ls -q | xargs -r ctr -n moby content rm > /dev/null
"""
"""Takes the manifests away that an engine keeps: it never asks the registry for a digest again whose manifest it has, though
the image is gone (moby, distribution/manifest.go), and that pull would be in no access log. And what it knows of where
layers lie: it would push a layer as it once pulled it, in other bytes than its own, and the image would get another digest
there (distribution/push_v2.go)."""


NO_MIRRORS = """
echo '{"registry-mirrors": [], "insecure-registries": []}' > /etc/docker/daemon.json
kill -HUP "$(cat /run/docker.pid)"
"""
"""An engine that reads its settings again leaves alone what the file does not name (moby, daemon/reload.go)."""

RELOADED = 10.0
"""Seconds that an engine may take to read its settings again."""


@dataclass(frozen=True)
class Condition:
    """A machine as a reset found it."""

    odd: str = ""
    """Why it must be created again; "" if it can be cleared."""
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
    mirrored: bool = False
    """Whether its engine uses a registry mirror, checks not each registry's certificate, or is told so by a daemon.json."""


def of(lab: Lab, machine: str) -> Condition:
    """Looks at a running machine. Raises LabError if this side is at fault."""
    role = lab.plan.machine(machine).role
    if role in ("edge", "ci", "tools", "kubernetes", "metadata"):
        return Condition(odd=silent(lab, machine))
    try:
        with lab.wire(machine, PATIENCE) as wire:
            if role == "node":
                return _node(lab, machine, wire)
            if role in ("mirror", "depot"):
                wire.request("GET", lab.plan.machine(machine).ping)
                return Condition()
            held = wire.get("/v2/_catalog")["repositories"]
            return Condition(odd=f"its registry contains {', '.join(held)}" if held else "")
    except WireError as error:
        return Condition(odd=f"it does not answer: {error}")


def silent(lab: Lab, machine: str) -> str:
    """Why a running machine does not answer; "" if it does. Raises LabError if this side is at fault."""
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
    printed = ""
    try:
        printed = execute(lab.engine, lab.parts[machine].id, ["sh", "-c", PROBE])
        odd, untidy, sample = told(printed)
    except LabError as error:  # it has lost its shell, or worse
        odd, untidy, sample = error.what, False, ""
    if member and not networks.keys() >= SWARM_NETWORKS:
        odd = odd or "it is not connected to the Swarm's networks"
    if info["Debug"] or info["Labels"] or info["LiveRestoreEnabled"]:
        odd = odd or "its engine's settings were changed"
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
        mirrored=is_told(info["RegistryConfig"]) or SAYS in printed,
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
    odd, settings = [], "{}"
    for line in output.splitlines():
        if line.startswith("["):
            sample = f"sha256:{json.loads(line)[0]['Config'].removesuffix('.json')}"
        elif line.startswith(SAYS):
            settings = line.removeprefix(SAYS)
        elif line.startswith(tuple(f"{place}/" for place in PERSONAL)) or line in PERSONAL:
            untidy = True
        elif line not in (*STARTED, *OWN, "/.dockerenv", CERTIFICATES) and not line.startswith(f"{CERTIFICATES}/"):
            odd.append(line)
    if _can_be_cleared(settings):
        odd = [line for line in odd if line not in (SETTINGS, str(Path(SETTINGS).parent))]
    return (f"{odd[0]} was changed" if odd else ""), untidy, sample


def _can_be_cleared(settings: str) -> bool:
    """Whether a daemon.json says nothing that a reset could not take back."""
    try:
        said = json.loads(settings)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and said.keys() <= CLEARED


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


def is_told(settings: dict[str, Any]) -> bool:
    """Whether an engine was told of a registry mirror, or of a registry whose certificate it does not check. Those of
    localhost it never checks."""
    secure = all(index.get("Secure", True) for index in (settings.get("IndexConfigs") or {}).values())
    ranges = [ipaddress.ip_network(one) for one in settings.get("InsecureRegistryCIDRs") or []]
    return bool(settings.get("Mirrors")) or not secure or not all(one.is_loopback for one in ranges)


def use_no_mirrors(lab: Lab, machine: str) -> None:
    """Has the engine pull from no registry mirror and check each registry's certificate, and its daemon.json gone. Raises
    LabError, WireError."""
    with lab.wire(machine, PATIENCE) as wire:
        deadline = time.monotonic() + RELOADED
        while is_told(wire.get("/info")["RegistryConfig"]):
            if time.monotonic() > deadline:
                told = f"{machine} still uses a registry mirror, or trusts a registry without TLS."
                raise LabError(told, "labkit reset   (again)")
            execute(lab.engine, lab.parts[machine].id, ["sh", "-c", NO_MIRRORS])
            time.sleep(0.05)
    execute(lab.engine, lab.parts[machine].id, ["rm", "-f", "/etc/docker/daemon.json"])


def trust_no_registry(lab: Lab, machine: str) -> None:
    """Forgets the certificates that the engine was told to trust. Raises LabError."""
    execute(lab.engine, lab.parts[machine].id, ["rm", "-rf", CERTIFICATES])


def fresh_mirror(lab: Lab) -> None:
    """The mirror as at its start. Raises LabError."""
    execute(lab.engine, lab.parts["mirror"].id, ["python3", "/lab/bin/mirror.py", "fresh"])


def fresh_depot(lab: Lab) -> None:
    """The machine `depot` as at its start. Raises LabError."""
    execute(lab.engine, lab.parts["depot"].id, ["python3", "/lab/depot/depot.py", "fresh"])


def forget_manifests(lab: Lab, machine: str) -> None:
    """Has the engine ask the registry for each manifest anew. Raises LabError."""
    execute(lab.engine, lab.parts[machine].id, ["sh", "-c", FORGET])
