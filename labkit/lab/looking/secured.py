"""Observes how a lab is secured: what the engines get from a registry of the learner's own, and what the machine `tools` tells
(lab/tools/tools.py)."""

import ipaddress
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from labkit.edge.facts import registries
from labkit.edge.grammar import clean
from labkit.lab.engine import execute
from labkit.lab.engine.wire import WireError
from labkit.lab.lab import Lab
from labkit.lab.looking import PATIENCE
from labkit.lab.looking.cleaned import bounded
from labkit.lab.plan import TOOLS
from labkit.seen import reference
from labkit.seen.secured import Answer, Own, Probe, Secured

PROGRAM = ["python3", "-I", "/lab/tools/tools.py"]
LONGEST, LONGEST_TEXT = 512 * 1024, 4000
"""Bytes that the machine may tell; letters of each text."""
SECONDS = 30.0
"""The first look at an image unpacks it, and verifies its signature."""
MOST = 6
"""Registries that the engines are asked about."""
IMAGE = "registry"
"""The last part of the name of the image that a registry of one's own runs from."""

SAYS = (
    ("server gave HTTP response to HTTPS client", Answer.HTTP),
    ("signed by unknown authority", Answer.UNTRUSTED),
    ("not standards compliant", Answer.UNTRUSTED),
    ("certificate is not trusted", Answer.UNTRUSTED),
    ("certificate is valid for", Answer.OTHER_NAME),
    ("certificate is not valid for any names", Answer.OTHER_NAME),
    ("relies on legacy Common Name", Answer.OTHER_NAME),
    ("doesn't contain any IP SANs", Answer.OTHER_NAME),
    ("certificate has expired or is not yet valid", Answer.EXPIRED),
    ("no basic auth credentials", Answer.SIGN_IN),
    ("unauthorized", Answer.SIGN_IN),
    ("denied", Answer.SIGN_IN),
    ("manifest unknown", Answer.OPEN),
    ("not found: name unknown", Answer.OPEN),
    ("name unknown", Answer.OPEN),
)
"""(what an engine says, what it means): crypto/x509 and net/http of Go, and distribution's error codes."""


def look(lab: Lab) -> Secured:
    """Empty where the lab has no machine `tools`. Raises LabError, WireError, or what comes of an answer of another form."""
    if TOOLS not in lab.plan.extras:
        return Secured()
    with ThreadPoolExecutor(2) as pool:
        told, own = pool.submit(_told, lab), pool.submit(_own, lab)
        return msgspec.structs.replace(told.result(), own=own.result())


def _told(lab: Lab) -> Secured:
    told = execute.told(lab.engine, lab.running(TOOLS).id, [*PROGRAM, "told"], LONGEST, SECONDS)
    return msgspec.convert(bounded(told, LONGEST_TEXT), Secured)


# ── a registry of one's own ──────────────────────────────────────────────────────────────────────────────────────────────


def _own(lab: Lab) -> dict[str, Own]:
    nodes = [part.machine for part in lab.nodes if part.state == "running"]
    with ThreadPoolExecutor(max(1, len(nodes))) as pool:
        held = dict(zip(nodes, pool.map(lambda machine: _held(lab, machine), nodes), strict=True))
    serving = {(machine, port): image for machine in nodes for port, image in held[machine][1]}
    hosts = addresses((host for names, _, _ in held.values() for host in names), serving)
    asked = [(host, machine) for host in hosts for machine in nodes]
    with ThreadPoolExecutor(max(1, len(asked))) as pool:
        probes = pool.map(lambda one: _probe(lab, one[0], one[1], held[one[1]][2]), asked)
        found = dict(zip(asked, probes, strict=True))
    own = {}
    for host in hosts:
        machine, image = runs(host, serving)
        own[host] = Own(machine=machine, image=image, probes={one: found[host, one] for one in sorted(nodes)})
    return own


def _held(lab: Lab, machine: str) -> tuple[list[str], list[tuple[int, str]], dict[str, Any]]:
    """The registries in its images' names; (port, image) of containers that answer in the lab's network; its engine's
    settings."""
    with lab.wire(machine, PATIENCE) as wire:
        images, containers = wire.get("/images/json"), wire.get("/containers/json")
        settings = wire.get("/info")["RegistryConfig"]
    names = [name for one in images for name in (*(one.get("RepoTags") or []), *(one.get("RepoDigests") or []))]
    hosts = [found.registry for name in names if "<none>" not in name and (found := reference.parse(name))]
    ports = [
        (port["PublicPort"], one["Image"])
        for one in containers
        for port in one["Ports"] or []
        if port.get("PublicPort")
    ]
    return hosts, ports, settings


def addresses(hosts: Iterable[str], serving: dict[tuple[str, int], str]) -> list[str]:
    """The registries that are none of the lab's: in images' names, and else those whose containers run from `registry`."""
    known = {host.partition(":")[0] for one in registries().values() for host in (one.host, *one.hosts)}
    named = sorted(
        {host for host in hosts if host.partition(":")[0] not in {*known, "mirror", "my-registry", "docker.io"}}
    )
    ports = {host.rpartition(":")[2] for host in named}
    fresh = [
        f"{machine}:{port}"
        for (machine, port), image in sorted(serving.items())
        if _app(image) == IMAGE and str(port) not in ports
    ]
    return [*named, *fresh][:MOST]


def runs(host: str, serving: dict[tuple[str, int], str]) -> tuple[str, str]:
    """(machine, image) of the container that answers at this registry's port."""
    port = int(host.rpartition(":")[2]) if host.rpartition(":")[2].isdigit() else 443
    found = sorted(
        ((machine, image) for (machine, at), image in serving.items() if at == port),
        key=lambda one: (one[0] != host.partition(":")[0], _app(one[1]) != IMAGE, one),
    )
    return found[0] if found else ("", "")


def _app(image: str) -> str:
    found = reference.parse(image)
    return found.app if found else ""


def _probe(lab: Lab, host: str, machine: str, settings: dict[str, Any]) -> Probe:
    insecure = is_insecure(host, settings, [part.address for part in lab.nodes if part.address])
    try:
        with lab.wire(machine, PATIENCE) as wire:
            wire.get(f"/distribution/{host}/labkit/probe/json")
    except WireError as error:
        said = clean(str(error), LONGEST_TEXT)
        return Probe(answer=meaning(said), said=said, insecure=insecure)
    return Probe(answer=Answer.OPEN, insecure=insecure)


def meaning(said: str) -> str:
    """What an engine's message says about the registry: an Answer."""
    return next((answer for words, answer in SAYS if words in said), Answer.SILENT)


def is_insecure(host: str, settings: dict[str, Any], addresses: list[str]) -> bool:
    """Whether an engine does not check this registry's certificate: by its name, or by a range of addresses that its name may
    lead to (moby, registry/config.go: isSecureIndex). localhost is never checked, and no setting."""
    index = (settings.get("IndexConfigs") or {}).get(host)
    if index and not index.get("Secure", True):
        return True
    ranges = [ipaddress.ip_network(one) for one in settings.get("InsecureRegistryCIDRs") or []]
    inside = [one for one in ranges if not one.is_loopback]
    return any(ipaddress.ip_address(address) in one for address in addresses for one in inside)
