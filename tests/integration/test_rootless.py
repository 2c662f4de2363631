"""A lab on a rootless engine, started as docs/instructing.md says: what is root in a node is an ordinary user outside.

Such an engine has a network and a packet filter of its own: it starts beside other tests."""

import contextlib
import json
import os
import pwd
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from helpers import labkit, until

from labkit.lab.engine import engines, images, sdk
from labkit.lab.plan import LABEL

USER = f"labs{os.getpid()}"
RUN = Path("/run") / USER
GROUPS = ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "systemd")
V1 = Path("/sys/fs/cgroup/cpuset").is_dir()
PROGRAM = "/usr/share/docker.io/contrib/dockerd-rootless.sh"
START = f"""
{
    f'''for group in {" ".join(GROUPS)}; do
  mkdir -p /sys/fs/cgroup/$group/{USER}
  [ $group != cpuset ] || for file in cpuset.cpus cpuset.mems; do
    cat /sys/fs/cgroup/cpuset/$file > /sys/fs/cgroup/cpuset/{USER}/$file; done
  [ $group != cpuset ] || echo 1 > /sys/fs/cgroup/cpuset/{USER}/cgroup.clone_children
  chown -R {USER} /sys/fs/cgroup/$group/{USER}
  echo $$ > /sys/fs/cgroup/$group/{USER}/cgroup.procs
done'''
    if V1
    else ""
}
su {USER} -c 'XDG_RUNTIME_DIR={RUN} PATH=/usr/sbin:/usr/bin setsid nohup sh {PROGRAM} >{RUN}/log 2>&1 &'
"""
"""The lines of docs/instructing.md, for another user."""


def theirs():
    """The processes of the engine's user: the engine and all that is root in its containers."""
    uid, found = pwd.getpwnam(USER).pw_uid, []
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if one.uids().real == uid:
                found.append(one)
    return found


def remove_user():
    """Ends what the user runs, by process id, and removes the user, their files and their groups."""
    for one in theirs():
        with contextlib.suppress(psutil.Error):
            if one.name() == "rootlesskit":
                one.terminate()
    _, left = psutil.wait_procs(theirs(), timeout=20)
    for one in left:
        with contextlib.suppress(psutil.Error):
            one.kill()
    psutil.wait_procs(left, timeout=10)
    removed = subprocess.run(["userdel", "--remove", USER], capture_output=True, text=True)
    assert removed.returncode == 0, removed.stderr
    shutil.rmtree(f"/home/{USER}", ignore_errors=True)
    shutil.rmtree(RUN, ignore_errors=True)
    for group in GROUPS if V1 else ():
        for folder, _, _ in os.walk(f"/sys/fs/cgroup/{group}/{USER}", topdown=False):
            Path(folder).rmdir()


@pytest.fixture(scope="module")
def rootless(engine, tmp_path_factory):
    """The environment of a lab on a rootless engine, which has the lab image from the suite's."""
    if os.geteuid() != 0:
        pytest.skip("only root can add a user and start their engine")
    missing = [one for one in ("rootlesskit", "slirp4netns", "newuidmap", "dockerd") if not shutil.which(one)]
    if missing or not Path(PROGRAM).exists():
        pytest.skip(
            f"no {', '.join(missing) or PROGRAM} here: apt-get install docker.io rootlesskit slirp4netns uidmap"
        )
    subprocess.run(["useradd", "--create-home", USER], check=True)
    folder = tmp_path_factory.mktemp("rootless")
    env = {
        "LABKIT_ENGINE": f"unix://{RUN}/docker.sock",
        "LABKIT_LAB": f"{os.environ['LABKIT_LAB']}-rootless",
        "LABKIT_WORK": str(folder / "work"),
        "XDG_STATE_HOME": str(folder / "state"),
        "DOCKER_HOST": "",
    }
    try:
        subprocess.run(["install", "-d", "-m", "700", "-o", USER, str(RUN)], check=True)
        subprocess.run(["sh", "-c", START], stdin=subprocess.DEVNULL, check=True)
        other = engines.Engine(env["LABKIT_ENGINE"])

        log = RUN / "log"
        until(lambda: log.exists() and "API listen on" in log.read_text(), "the rootless engine", 60)
        with sdk.client(engine) as ours, sdk.client(other) as docker:
            docker.images.load(ours.images.get(images.name()).save(named=True))
        yield SimpleNamespace(env=env, engine=other, uid=pwd.getpwnam(USER).pw_uid)
        labkit("down", "--purge", env=env)
    finally:
        remove_user()


def test_root_in_a_node_of_a_rootless_engine_is_an_ordinary_user(rootless, engine):
    labkit("up", "--detach", "--no-jupyter", "--workers", "1", env=rootless.env, check=0)
    for slug in ("01-login", "03-push"):
        labkit("solve", slug, env=rootless.env, check=0)
    graded = json.loads(labkit("check", "01-login", "03-push", "--json", env=rootless.env, check=0).stdout)
    assert all(one["earned"] == one["points"] > 0 for one in graded["exercises"]), graded

    with sdk.client(rootless.engine) as docker:
        machines = docker.containers.list(filters={"label": f"{LABEL}={rootless.env['LABKIT_LAB']}"})
        assert len(machines) > 2
        for machine in machines:
            status = Path(f"/proc/{machine.attrs['State']['Pid']}/status").read_text()
            (uids,) = (line.split()[1:] for line in status.splitlines() if line.startswith("Uid:"))
            assert uids == [str(rootless.uid)] * 4, machine.name

        # All that a container can be given, and the server's disk at hand.
        breaks_out = docker.containers.run(
            images.name(), "sleep 600", entrypoint="", detach=True, privileged=True, network_mode="host",
            volumes={"/": {"bind": "/host"}},
        )  # fmt: skip
        try:

            def outside(*words):
                code, told = breaks_out.exec_run(["chroot", "/host", *words])
                return code, told.decode()

            assert outside("id", "-u") == (0, "0\n")
            assert outside("cat", "/etc/hostname")[0] == 0
            for words, refused in (
                (("cat", "/etc/shadow"), "Permission denied"),
                (("ls", "/root/"), "Permission denied"),
                (("touch", "/etc/passwd"), "Permission denied"),
                (("docker", "-H", engine.url, "ps"), "permission denied"),
                (("mknod", f"/home/{USER}/disk", "b", "254", "0"), "Operation not permitted"),
            ):
                code, told = outside(*words)
                assert code != 0 and refused in told, (words, told)
        finally:
            breaks_out.remove(force=True)
