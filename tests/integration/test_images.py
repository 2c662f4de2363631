"""The lab image: its base pulled where a registry answers, and a refused or silent one told within seconds."""

import json
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

import pytest
from helpers import ROOT

from labkit.lab.engine import bases, images, recipes, sdk


@pytest.mark.fault("Docker Hub refuses the connection", "The pull gives up within 10 s")
def test_a_refused_pull_is_told_within_seconds(engine):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        name = f"127.0.0.1:{closed.getsockname()[1]}/nothing:latest"
    start = time.monotonic()
    assert bases.pull(engine, name) is False
    assert time.monotonic() - start < 10


@pytest.mark.fault("Docker Hub accepts the connection and never answers", "The pull gives up after its time limit")
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


@pytest.mark.fault("Docker Hub cannot be reached, and there is no image", "The image is built from Debian's packages")
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


@pytest.mark.internet
def test_a_machine_without_a_package_index_gets_all_from_one_archive(engine, tmp_path):
    """A fresh checkout, and `./lab image load FILE`; pip is told to ask nobody."""
    from labkit.errors import LabError
    from labkit.lab.engine import wheels

    archive, clone = tmp_path / "lab.tar", tmp_path / "clone"
    try:
        images.save(engine, archive, lambda _: None)
    except LabError as error:
        pytest.skip(f"no package index answers here: {error}")
    with tarfile.open(archive) as kept:
        names = kept.getnames()
    assert "manifest.json" in names and f"{wheels.FOLDER}/{wheels.MADE_FOR}" in names
    clone.mkdir()
    for name in ("lab", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, clone)
    for name in ("labkit", "exercises", "solutions", "notebooks"):
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    nobody = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:1/", "PIP_RETRIES": "0"}
    ours = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "PYTHON"))}
    env = {**ours, **nobody, "LABKIT_ENGINE": engine.url, "HOME": str(tmp_path)}

    def lab(*words):
        return subprocess.run(
            [clone / "lab", *words], env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )

    alone = lab("doctor")
    assert alone.returncode == 2
    assert "without internet: ./lab image load FILE" in alone.stderr
    loaded = lab("image", "load", str(archive))
    assert (loaded.returncode, loaded.stdout) == (0, f"Loaded {images.name()}. Next: {clone}/lab up\n"), loaded.stderr
    assert "✓ image" in lab("doctor").stdout
    # Another Python than the archive's: a sentence, and not pip's alone.
    shutil.rmtree(clone / ".venv")
    other = tmp_path / "other" / wheels.FOLDER
    other.mkdir(parents=True)
    (other / wheels.MADE_FOR).write_text("Python 3.99 on linux-vax\n")
    with tarfile.open(tmp_path / "other.tar", "w") as out:
        out.add(other, wheels.FOLDER)
    refused = lab("image", "load", str(tmp_path / "other.tar"))
    assert refused.returncode == 2
    assert "the file's packages are for Python 3.99 on linux-vax; here it is Python 3." in refused.stderr
    assert not list(Path(tempfile.gettempdir()).glob("tmp.*/wheels/made-for"))


def test_an_archive_without_packages_is_what_it_always_was(engine, tmp_path):
    archive = tmp_path / "lab.tar"
    images.save(engine, archive, lambda _: None, packages=False)
    with tarfile.open(archive) as kept:
        assert not [name for name in kept.getnames() if name.startswith("wheels")]
    assert images.load(engine, archive) == [images.name()]
    assert [one.name for one in tmp_path.iterdir()] == ["lab.tar"]


@pytest.mark.internet
def test_what_some_exercises_need_travels_with_the_lab_image(engine, tmp_path, monkeypatch):
    """All recipes' images are in the archive, and an engine that got them from there builds none and asks no package index."""
    usual, own = recipes.name, f"registry-lab-test-{os.getpid()}-"
    # A lab beside this test makes machines of the usual ones.
    monkeypatch.setattr(recipes, "name", lambda *of: usual(*of).replace("registry-lab-", own, 1))
    base = images.ensure(engine, lambda _: None)
    made, missing = recipes.ensure_all(engine, base, lambda _: None)
    if missing:
        pytest.skip(f"not everything can be had here: {missing}")
    assert [one.partition(":")[0] for one in made] == [f"{own}{recipe}" for recipe in recipes.every()]
    archive = tmp_path / "lab.tar"
    images.save(engine, archive, lambda _: None, packages=False, more=made)
    with tarfile.open(archive) as kept:
        manifest = json.loads(kept.extractfile("manifest.json").read())
    assert {tag for one in manifest for tag in one["RepoTags"]} == {images.name(), *made}
    with sdk.client(engine) as docker:
        for one in made:
            docker.images.remove(one)
        # Named beside these: what a lab beside this test has made of the same.
        assert {images.name(), *made} <= set(images.load(engine, archive))
        said = []
        assert recipes.ensure_all(engine, base, said.append) == (made, [])
        assert said == []
        for one in made:
            docker.images.remove(one)
