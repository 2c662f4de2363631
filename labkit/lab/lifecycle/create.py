"""Creates the lab's containers, with testcontainers. Nothing else does."""

import contextlib
import os
from typing import Any

from labkit.errors import LabError
from labkit.lab.engine import capabilities
from labkit.lab.lab import Instance
from labkit.lab.lifecycle import pki
from labkit.lab.lifecycle.site import Site
from labkit.lab.plan import MANAGER, Machine


def prepare() -> None:
    """Loads testcontainers, which takes a while, and configures it. The lab ends with `down`, its deadline or its `up`, not
    with the process that created it, and Ryuk's image may be unreachable (docs/decisions/0003-lifetime.md). The lab image does
    not come from Docker Hub, and no sign-in is needed."""
    import testcontainers.core.container  # noqa: F401
    from testcontainers.core.config import testcontainers_config

    testcontainers_config.ryuk_disabled = True
    testcontainers_config.hub_image_name_prefix = ""
    os.environ.pop("DOCKER_AUTH_CONFIG", None)


def machine(site: Site, machine: Machine) -> Instance:
    """Creates and starts a machine. Raises LabError."""
    import docker

    try:
        container = _container(site, machine)
        with contextlib.closing(container.get_docker_client().client):
            container.start()
            made = container.get_wrapped_container()
            made.reload()  # the engine has chosen a port
            ports = made.ports.get(f"{machine.port}/tcp") or [{}]
    except docker.errors.APIError as error:
        text = str(error.explanation or error)
        withheld = "caps" in text or "operation not permitted" in text
        fix = "labkit doctor   (it shows which capabilities this host withholds)" if withheld else "labkit doctor"
        if "name" in text and "already in use" in text:
            fix = f"docker rm {site.plan.container(machine)}   (a container that does not belong to the lab), then labkit up"
        elif "Address already in use" in text:
            text = f"another container uses its address {site.prefix}.{machine.host} in the lab's network"
            fix = f"docker network inspect {site.plan.name}   (shows which container)"
        raise LabError(f"The machine {machine.name} could not be started: {text.rstrip('.')}.", fix) from error
    port = int(ports[0]["HostPort"])
    return Instance(
        made.id, machine.name, machine.role, "running", f"{site.prefix}.{machine.host}", port, site.image_of(machine)
    )


def _container(site: Site, machine: Machine) -> Any:
    from docker.constants import DEFAULT_DOCKER_API_VERSION
    from docker.types import EndpointConfig, Mount
    from testcontainers.core.container import DockerContainer

    plan = site.plan
    endpoint = EndpointConfig(
        DEFAULT_DOCKER_API_VERSION, aliases=list(machine.aliases), ipv4_address=f"{site.prefix}.{machine.host}"
    )
    mount = Mount(machine.data, plan.volume(machine), type="volume", labels=plan.bare_labels, no_copy=machine.bare)
    container = DockerContainer(
        site.image_of(machine),
        docker_client_kw={"environment": {"DOCKER_HOST": site.engine.url}},
        command=machine.command,
        name=plan.container(machine),
        env=plan.environment(machine),
    ).with_kwargs(
        hostname=machine.name,
        labels=plan.labels(machine),
        mounts=[mount],
        network=plan.name,
        networking_config={plan.name: endpoint},
        **(capabilities.node_kwargs(site.engine) if machine.is_node or machine.nests else {}),
        **(plan.share.create(machine.role) if plan.share else {}),
    )
    kept = site.home.state / "pki"
    if machine.tls:
        container.with_env("LAB_KEYS", pki.packed(kept / machine.name / "pki"))
    elif machine.keys:
        container.with_env("LAB_KEYS", pki.packed(kept / machine.keys, kept / MANAGER / "pki" / "hub-ca.pem"))
    container.ports[f"{machine.port}/tcp"] = ("127.0.0.1",)
    return container
