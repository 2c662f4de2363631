"""The lab image: its base pulled where a registry answers, and a refused or silent one told within seconds."""

import socket
import time

import pytest

from labkit.lab.engine import images


def test_a_refused_pull_is_told_within_seconds(engine):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        name = f"127.0.0.1:{closed.getsockname()[1]}/nothing:latest"
    start = time.monotonic()
    assert images.pull(engine, name) is False
    assert time.monotonic() - start < 10


def test_a_silent_registry_counts_as_refusing(engine):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        start = time.monotonic()
        assert images.pull(engine, f"127.0.0.1:{silent.getsockname()[1]}/nothing:latest", patience=2) is False
        assert time.monotonic() - start < 5


@pytest.mark.internet
def test_the_base_is_pulled_where_docker_hub_answers(engine):
    if not images.pull(engine, images.BASE):
        pytest.skip(f"Docker Hub does not answer here: {images.BASE} cannot be pulled, the lab uses {images.MADE_BASE}")
    assert images.exists(engine, images.BASE)


def test_without_docker_hub_the_base_is_made_from_packages(engine):
    assert images.exists(engine, images.MADE_BASE) or images.exists(engine, images.BASE)
    assert images.exists(engine)


def test_an_engine_without_room_builds_nothing(engine, monkeypatch):
    from labkit.errors import LabError

    monkeypatch.setattr(images, "ROOM", 10**18)
    with pytest.raises(LabError, match="nearly full"):
        images.build(engine, lambda _: None)
