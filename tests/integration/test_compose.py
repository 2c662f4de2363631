"""docker-compose.lab.yml: the same lab as the topology says, and started for real."""

import json
import os
import socket
import subprocess
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from helpers import ROOT, labkit, labkit_json, until
from test_lifecycle import parts


@pytest.fixture(scope="module")
def compose(engine, tmp_path_factory):
    """The docker compose command: the machine's, or Debian's, whose binary runs anywhere; and its environment."""
    config = tmp_path_factory.mktemp("docker")
    here = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if here.returncode:
        _fetch_plugin(engine, config / "cli-plugins")
    with socket.socket() as free, socket.socket() as other:
        free.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        port, apps_port = free.getsockname()[1], other.getsockname()[1]
    from labkit.lab.engine import bases, capabilities, sdk

    made = sdk.has_image(engine, bases.MADE_BASE)
    authorities = "/etc/ssl/certs/ca-certificates.crt"
    return {
        **os.environ,
        "DOCKER_CONFIG": str(config),
        "DOCKER_HOST": engine.url,
        "LABKIT_ENGINE": engine.url,
        "LABKIT_LAB": f"{os.environ['LABKIT_LAB']}-compose",
        "LABKIT_SOCKET": engine.url.removeprefix("unix://"),
        "LABKIT_PRIVILEGED": "false" if capabilities.missing() else "true",
        "LABKIT_BASE": bases.MADE_BASE if made else bases.BASE,
        "LABKIT_CA": authorities if Path(authorities).exists() else "/dev/null",
        "LABKIT_PORT": str(port),
        "LABKIT_APPS_PORT": str(apps_port),
        "LABKIT_TOKEN": "only-for-this-test",
        "LABKIT_WORK": str(tmp_path_factory.mktemp("compose") / "work"),
        "LABKIT_SUBNET": "10.203.201",
    }


def _fetch_plugin(engine, folder):
    """Debian trixie's docker-compose package is the v2 plugin."""
    from labkit.lab.engine import images

    folder.mkdir()
    script = (
        "cd /tmp && apt-get update -q >/dev/null && apt-get download -q docker-compose >/dev/null"
        " && dpkg -x docker-compose_*.deb x && cp x/usr/libexec/docker/cli-plugins/docker-compose /out/"
    )
    subprocess.run(
        [
            "docker",
            "-H",
            engine.url,
            "run",
            "--rm",
            "--network",
            "host",
            "-v",
            f"{folder}:/out",
            images.name(),
            "sh",
            "-c",
            script,
        ],
        check=True,
        capture_output=True,
    )


def run(compose, *words):
    result = subprocess.run(
        ["docker", "compose", "-f", str(ROOT / "docker-compose.lab.yml"), *words],
        env=compose,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_file_says_what_the_topology_says(compose):
    from labkit.lab import plan as topology

    name = compose["LABKIT_LAB"]
    told = json.loads(run(compose, "config", "--format", "json"))
    plan = {machine.name: machine for machine in topology.Plan(name).machines}
    assert set(told["services"]) == {*plan, "jupyter", "keys"}
    assert told["networks"]["lab"]["name"] == name
    assert told["networks"]["lab"]["labels"][topology.LABEL] == name
    for machine in plan.values():
        service = told["services"][machine.name]
        network = service["networks"]["lab"]
        assert service["container_name"] == f"{name}-{machine.name}"
        assert service["hostname"] == machine.name
        assert service["command"] == [machine.command]
        assert tuple(network.get("aliases") or ()) == machine.aliases
        assert network["ipv4_address"].endswith(f".{machine.host}")
        assert service["labels"][topology.LABEL] == name
        assert service["labels"][topology.MACHINE] == machine.name
        assert service["labels"][topology.ROLE] == machine.role
        published = [(one["host_ip"], one["target"]) for one in service.get("ports", [])]
        assert published == [("127.0.0.1", machine.port)]
        data = [
            one["source"] for one in service["volumes"] if one["target"] in ("/var/lib/docker", "/var/lib/registry")
        ]
        assert data == [machine.name]
    for volume in told["volumes"].values():
        assert volume["name"].startswith(f"{name}-")
        assert volume["labels"][topology.LABEL] == name


def test_two_labs_share_nothing_when_each_says_its_own(compose):
    """Names, addresses, port and folder: what the header of the file says that a second lab needs."""
    second = {
        **compose,
        "LABKIT_LAB": "second",
        "LABKIT_PORT": "8999",
        "LABKIT_APPS_PORT": "8998",
        "LABKIT_SUBNET": "192.168.100",
        "LABKIT_WORK": "/srv/second",
    }

    def taken(env):
        told = json.loads(run(env, "config", "--format", "json"))
        services = told["services"].values()
        network = told["networks"]["lab"]
        return {
            told["name"],
            network["name"],
            network["ipam"]["config"][0]["subnet"],
            network["driver_opts"]["com.docker.network.bridge.name"],
            *(volume["name"] for volume in told["volumes"].values()),
            *(service["container_name"] for service in services),
            *(service["networks"]["lab"]["ipv4_address"] for service in services if service.get("networks")),
            *(
                port["published"]
                for service in services
                for port in service.get("ports", [])
                if port.get("published", "0") != "0"
            ),
            *(mount["source"] for mount in told["services"]["jupyter"]["volumes"] if mount["target"] == "/work"),
        }

    assert {"192.168.100.0/24", "192.168.100.21", "lab-192.168.100", "8999", "/srv/second"} <= taken(second)
    assert not taken(compose) & taken(second)


def test_it_starts_for_real_and_labkit_sees_it(compose, running_lab, tmp_path):
    env = {key: compose[key] for key in ("LABKIT_LAB", "LABKIT_ENGINE")} | {"XDG_STATE_HOME": str(tmp_path)}
    work = Path(compose["LABKIT_WORK"])
    try:
        run(compose, "up", "--detach", "--build", "--quiet-pull")
        until(lambda: _jupyter_answers(compose), "JupyterLab in its container", 90)
        state = labkit_json("status", "--json", env=env, check=0)
        assert state["state"] == "up"
        assert state["work"] == str(work)
        assert (work / "03-push.ipynb").exists()
        assert state["jupyter"] == f"http://127.0.0.1:{compose['LABKIT_PORT']}/lab"
        inside = ["docker", "-H", compose["LABKIT_ENGINE"], "exec", f"{compose['LABKIT_LAB']}-jupyter", "labkit"]
        solved = subprocess.run([*inside, "solve", "05-deploy"], capture_output=True, text=True)
        assert solved.returncode == 0, solved.stdout + solved.stderr
        guided = ("01-login", "02-tag", "03-push", "05-deploy")
        assert subprocess.run([*inside, "check", *guided], capture_output=True).returncode == 0
        # The page of the app: told inside, and shown to a browser on this side.
        told = subprocess.run([*inside, "status", "--json"], capture_output=True, text=True).stdout
        page = json.loads(told)["services"]["myapp"]["page"]
        assert page == f"http://myapp.localhost:{compose['LABKIT_APPS_PORT']}/"
        asked = Request(page.replace("myapp.localhost", "127.0.0.1"), headers={"Host": page.split("/")[2]})
        with urlopen(asked, timeout=20) as answer:
            assert b"Hello from myapp" in answer.read()
        more = "provision.start_extra(find.current(), 'registry', print)"
        imports = "from labkit.lab import find; from labkit.lab.lifecycle import provision"
        added = subprocess.run([*inside[:-1], "python3", "-c", f"{imports}; {more}"], capture_output=True, text=True)
        assert added.returncode == 0, added.stderr
        # From this side: the machines are reached at their loopback ports, with the keys that the lab's container holds.
        labkit("check", "02-tag", "03-push", "05-deploy", env=env, check=0)
        assert "my-registry" in labkit_json("status", "--json", env=env, check=0)["machines"]
    finally:
        labkit("down", env=env, check=0)
    assert parts(running_lab.engine, compose["LABKIT_LAB"]) == {"containers": [], "networks": [], "volumes": []}


def _jupyter_answers(compose):
    try:
        with urlopen(
            f"http://127.0.0.1:{compose['LABKIT_PORT']}/api?token={compose['LABKIT_TOKEN']}", timeout=2
        ) as answer:
            return answer.status == 200
    except OSError:
        return False
