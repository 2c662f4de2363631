"""The docker SDK, for builds, pulls and archives. It takes 70 ms to import, so it is imported only where it is used."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from labkit.lab.engine.engines import Engine
from labkit.lab.engine.wire import WireError


@contextlib.contextmanager
def client(engine: Engine, timeout: float = 600) -> Iterator[Any]:
    """The docker SDK's client for this engine, whatever DOCKER_HOST says."""
    import docker

    environment = {key: value for key, value in os.environ.items() if key.startswith("DOCKER_")}
    found = docker.from_env(environment={**environment, "DOCKER_HOST": engine.url}, timeout=timeout)
    try:
        yield found
    finally:
        found.close()


def has_image(engine: Engine, image: str) -> bool:
    try:
        with engine.wire() as wire:
            wire.get(f"/images/{image}/json")
    except WireError as error:
        if error.status == 404:
            return False
        raise
    return True
