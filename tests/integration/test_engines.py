"""Engines of their own: with a small disk, killed, restarted, or beside a learner's things. Each is marked `starts_an_engine`."""

import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from helpers import ROOT, assert_one_error, labkit, until
from second_engine import OWN, own_paths, packet_filter, running

from labkit.lab.engine import engines, images


@pytest.fixture
def short():
    """A folder with a short name, for engines: their sockets lie deep in it, and a socket's address has room for 107 letters."""
    with tempfile.TemporaryDirectory(prefix="lk-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextlib.contextmanager
def second_engine(folder, size):
    """An engine of its own, real, whose disk is as small as wanted."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk and start an engine")
    data = folder / "data"
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(data)], check=True)
    env = {**own_paths(folder), "LABKIT_ENGINE": f"unix://{folder}/run/docker.sock"}
    code = f"{OWN}; own.start(home(), print)"
    try:
        subprocess.run([sys.executable, "-c", code], env={**os.environ, **env}, cwd=ROOT, check=True)
        yield env
    finally:
        stop = f"{OWN}; own.stop(home())"
        subprocess.run([sys.executable, "-c", stop], env={**os.environ, **env}, cwd=ROOT, check=True)
        subprocess.run(["umount", "-l", str(data)], check=True)


@pytest.mark.fault(
    "The engine's disk is nearly full before `up`", "Nothing is started; `up` and `doctor` say how much space is free"
)
@pytest.mark.starts_an_engine
def test_a_disk_that_is_nearly_full(short):
    with second_engine(short, "300m") as env:
        result = labkit("up", "--detach", "--no-jupyter", env=env)
        assert_one_error(result, "disk of the Docker Engine is nearly full: 0.3 GB free", "docker system df")
        doctor = labkit("doctor", env=env, check=2)
        assert "✗ disk" in doctor.stdout


@pytest.fixture(scope="module")
def alone(engine, tmp_path_factory):
    with running(engine, tmp_path_factory.mktemp("alone")) as one:
        yield one


@pytest.mark.starts_an_engine
def test_nothing_of_the_learners_own_docker_changes(alone, tmp_path):
    engine = engines.Engine(alone.own["LABKIT_ENGINE"])
    home = tmp_path / "home"
    (home / ".docker").mkdir(parents=True)
    (home / ".docker" / "config.json").write_text('{"auths": {"https://index.docker.io/v1/": {"auth": "bWU6bXk="}}}')
    # By these folders the engine is not known for one of the lab's own, which `down` would end.
    env = {**alone.own, "HOME": str(home), **own_paths(tmp_path)}

    def own():
        """What is on the engine, and the learner's ~/.docker."""
        with engine.wire() as wire:
            kept = [(one["Id"], one["RepoTags"]) for one in wire.get("/images/json")]
            containers = [(one["Id"], one["State"]) for one in wire.get("/containers/json?all=1")]
            networks = [one["Id"] for one in wire.get("/networks")]
            volumes = [one["Name"] for one in wire.get("/volumes")["Volumes"] or []]
            swarm = wire.get("/info")["Swarm"]["LocalNodeState"]
        files = {str(one): hashlib.sha256(one.read_bytes()).hexdigest() for one in home.rglob("*") if one.is_file()}
        return sorted(kept), sorted(containers), sorted(networks), sorted(volumes), swarm, files

    docker = ["docker", "-H", engine.url]
    container = f"run -d --name mine --network mine -v mine:/kept --entrypoint sleep {images.name()} 600"
    for words in ("volume create mine", "network create mine", container):
        subprocess.run([*docker, *words.split()], check=True, capture_output=True)
    before = own()
    assert all(before[:4])
    labkit("up", "--detach", "--no-jupyter", env=env, check=0)
    lines = labkit("env", env=env, check=0).stdout
    played = subprocess.run(
        [
            "bash",
            "-c",
            lines + "docker login -u myusername -p mypassword && docker tag myapp:latest myusername/myapp:v1.0.0",
        ],
        env={**os.environ, **env, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert played.returncode == 0, played.stderr
    labkit("solve", "05-deploy", env=env, check=0)
    labkit("down", env=env, check=0)
    assert own() == before
    for words in ("rm -f mine", "network rm mine", "volume rm mine"):
        subprocess.run([*docker, *words.split()], check=True, capture_output=True)


@pytest.mark.fault(
    "The engine is killed, and its packet filter rules stay",
    "The next lab's machines are known by their addresses",
)
@pytest.mark.starts_an_engine
def test_rules_that_a_killed_engine_left(alone):
    before = packet_filter()
    labkit("up", "--detach", "--no-jupyter", env=alone.own, check=0)
    (rewriting,) = {rule for rule in packet_filter() if "! -o lab-" in rule and "MASQUERADE" in rule}.difference(before)
    os.kill(int((alone.run / "docker.pid").read_text()), 9)
    labkit("down", env=alone.own, check=0)  # beside the tests' own engine: the packet filter is left alone
    assert rewriting in packet_filter()
    alone.start()
    labkit("up", "--detach", "--no-jupyter", env=alone.own, check=0)
    labkit("solve", "01-login", env=alone.own, check=0)
    told = labkit("check", "01-login", "--json", env=alone.own, check=0).stdout
    assert "myusername from workstation (line" in told
    labkit("down", env=alone.own, check=0)
    assert rewriting not in packet_filter()
    alone.start()


@pytest.mark.fault(
    "The engine is killed with a service running, and once more before `down`",
    "`up` brings the service back; `down --purge` leaves nothing",
)
@pytest.mark.starts_an_engine
def test_the_engine_restarted(alone):
    """A whole engine is killed and started again; `up` brings the lab back, and `down` clears a dead one."""
    labkit("up", "--detach", "--no-jupyter", env=alone.own, check=0)
    labkit("solve", "05-deploy", env=alone.own, check=0)
    pid = int((alone.run / "docker.pid").read_text())
    os.kill(pid, 9)
    until(lambda: not Path(f"/proc/{pid}").exists(), "the engine's end")
    assert_one_error(labkit("check", "05", env=alone.own), "The lab is not running", "labkit up")
    alone.start()
    labkit("up", "--detach", "--no-jupyter", env=alone.own, check=0)
    labkit("check", "05-deploy", "--wait", "90s", env=alone.own, check=0)
    pid = int((alone.run / "docker.pid").read_text())
    os.kill(pid, 9)
    until(lambda: not Path(f"/proc/{pid}").exists(), "the engine's end")
    labkit("down", env={**alone.own, "LABKIT_ENGINE": "unix:///run/another/docker.sock"})
    assert not Path(f"/proc/{(alone.run / 'docker.pid').read_text()}").exists(), "it was asked about another engine"
    rules = packet_filter()
    labkit("down", "--purge", env=alone.own, check=0)
    assert packet_filter() == rules, "another engine's chains may be among them"
    assert not alone.run.exists()
    left = {one.name for one in alone.state.rglob("*") if one.is_file()}
    assert left == {"config.json", "meta.json"}  # Docker contexts that lead nowhere


@pytest.mark.fault("Two labs start an engine at once", "One engine runs, and both use it")
@pytest.mark.starts_an_engine
def test_two_labs_that_want_an_engine_at_once_get_one(short):
    if os.geteuid() != 0:
        pytest.skip("only root can start an engine")
    env = {**os.environ, **own_paths(short)}
    code = f"{OWN}; own.start(home(), print); print(own.process(home()))"
    command = [sys.executable, "-c", code]
    try:
        both = [subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        told = [one.communicate(timeout=60)[0].split()[-1] for one in both]
        assert [one.returncode for one in both] == [0, 0]
        assert told[0] == told[1]
    finally:
        stop = f"{OWN}; own.stop(home()); own.purge(home())"
        subprocess.run([sys.executable, "-c", stop], env=env, cwd=ROOT, check=True)
    assert not (short / "run").exists()
