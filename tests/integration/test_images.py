"""The lab image: its base pulled where a registry answers, and a refused or silent one told within seconds."""

import os
import socket
import time

import pytest

from labkit.lab.engine import bases, images, sdk


@pytest.mark.fault("Docker Hub refuses the connection", "The pull gives up within 10 s")
def test_a_refused_pull_is_told_within_seconds(engine):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        name = f"127.0.0.1:{closed.getsockname()[1]}/nothing:latest"
    start = time.monotonic()
    assert bases.pull(engine, name) is False
    assert time.monotonic() - start < 10


@pytest.mark.fault("Docker Hub takes the call and never answers", "The pull gives up after its patience")
def test_a_silent_registry_counts_as_refusing(engine):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        start = time.monotonic()
        assert bases.pull(engine, f"127.0.0.1:{silent.getsockname()[1]}/nothing:latest", patience=2) is False
        assert time.monotonic() - start < 5


@pytest.mark.internet
def test_the_base_is_pulled_where_docker_hub_answers(engine):
    if not bases.pull(engine, bases.BASE):
        pytest.skip(f"Docker Hub does not answer here: {bases.BASE} cannot be pulled, the lab uses {bases.MADE_BASE}")
    assert sdk.has_image(engine, bases.BASE)


@pytest.mark.fault("Docker Hub cannot be reached and there is no image", "It is made from Debian's packages")
def test_without_docker_hub_the_base_is_made_from_packages(engine, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setattr(bases, "BASE", f"127.0.0.1:{closed.getsockname()[1]}/debian:trixie-slim")
        monkeypatch.setattr(bases, "MADE_BASE", f"labkit-test-base-{os.getpid()}:trixie")
    said = []
    try:
        assert bases.ensure(engine, said.append) == bases.MADE_BASE
        assert "Docker Hub does not answer" in said
        with sdk.client(engine) as docker:
            release = docker.containers.run(bases.MADE_BASE, ["cat", "/etc/os-release"], network="none", remove=True)
        assert b"VERSION_CODENAME=trixie" in release
        # It is made once.
        said.clear()
        assert bases.ensure(engine, said.append) == bases.MADE_BASE
        assert not [line for line in said if line.startswith("making")]
    finally:
        with sdk.client(engine) as docker:
            docker.images.remove(bases.MADE_BASE, force=True)


def test_an_engine_without_room_builds_nothing(engine, monkeypatch):
    from labkit.errors import LabError

    monkeypatch.setattr(images, "ROOM", 10**18)
    with pytest.raises(LabError, match="nearly full"):
        images.build(engine, lambda _: None)
