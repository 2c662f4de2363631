"""A reset makes of whatever became of a lab what it was when it had just started; and says so where it cannot."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from difflib import unified_diff
from functools import partial

import pytest
from helpers import ROOT, labkit, shell, until

NODES = ("workstation", "worker1", "worker2")
TRANSIENT = ("/run", "/dev", "/proc", "/sys", "/lab/pki", "/var/lib/containerd", "/var/lib/docker", "/root", "/tmp")
"""Files that an engine writes at its work; and /root and /tmp, which FILES tells with their content. Which of the lab's networks
it is, is left out: one that is made anew takes the first that is free, and beside other labs that may be another."""

FILES = r"""
cd / && find root home tmp var/tmp srv opt mnt media -mindepth 1 -printf '%p %y %m\n' | sort
find root home tmp var/tmp srv opt mnt media -type f -exec md5sum {} + | sort
sed 's/^10\.203\.[0-9]*\./10.203.N./' /etc/hosts; cat /etc/resolv.conf
cat /lab/ca-certificates.crt /lab/pki/hub-ca.pem | cmp - /etc/ssl/certs/ca-certificates.crt && echo trusts what it should
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A lab of its own name and folders, so that it is fresh whatever ran before."""
    from labkit import paths

    own = tmp_path_factory.mktemp("reset")
    base = paths.home()
    return replace(base, name=f"{base.name}-reset", state=own / "state", work=own / "work")


@pytest.fixture(scope="module")
def fresh(engine, home):
    """A lab that has just started, and what it holds."""
    from labkit.lab.lifecycle import provision, sweep
    from labkit.lab.plan import Plan
    from labkit.work import files

    try:
        with provision.lock(home, print):
            lab = provision.up(engine, home, Plan(home.name, home.work, deadline=round(time.time() + 7200)), print)
        files.prepare(lab.work)
        networks = {"bridge", "host", "none", "ingress", "docker_gwbridge"}
        # A node has its last networks a moment after it has joined.
        until(lambda: all(networks == set(held(lab)[name]["networks"]) for name in NODES), "each node has its networks")
        yield held(lab)
    finally:
        with provision.lock(home, print):
            sweep.everything(engine, home, print)


@pytest.fixture
def lab(fresh, engine, home):
    from labkit.lab import find
    from labkit.lab.playing.reset import reset_all

    return reset_all(find.on(engine, home))  # whatever a test before has left


def held(lab):
    """Everything in the lab that a person could tell apart, without ids and times."""
    with lab.wire("edge") as wire:
        seen = wire.get("/observation?sections=registries,store")
    with ThreadPoolExecutor(len(NODES)) as pool:
        machines = dict(zip(NODES, pool.map(partial(machine, lab), NODES), strict=True))
    return {
        **machines,
        "swarm": swarm(lab),
        "registries": {key: each["repositories"] for key, each in seen["registries"]["known"].items()},
        "manifests": seen["store"]["revisions"],
        "machines": {name: instance.state for name, instance in lab.parts.items()},
        "docker folder": own_folder(lab),
        "answers": (lab.work / ".labkit" / "answers.json").exists()
        and json.loads((lab.work / ".labkit" / "answers.json").read_text()),
    }


def machine(lab, name):
    with lab.engine.wire(timeout=60) as wire:
        changed = wire.get(f"/containers/{lab.parts[name].id}/changes")
    with lab.wire(name) as wire:
        info = wire.get("/info")
        volumes = wire.get("/volumes")["Volumes"] or []
        images = [
            {**image, "layers": wire.get(f"/images/{image['Id']}/json")["RootFS"]["Layers"]}
            for image in wire.get("/images/json?all=1")
        ]
        return {
            "images": sorted(
                [sorted(one["RepoTags"] or []), sorted(one["RepoDigests"] or []), one["layers"], one["Labels"]]
                for one in images
            ),
            "containers": sorted(one["Names"][0] for one in wire.get("/containers/json?all=1")),
            "networks": {one["Name"]: network(one) for one in wire.get("/networks")},
            "volumes": sorted(one["Name"] for one in volumes),
            "plugins": [one["Name"] for one in wire.get("/plugins")],
            "build cache": len(wire.get("/system/df")["BuildCache"] or []),
            "swarm": [info["Swarm"]["LocalNodeState"], info["Swarm"]["ControlAvailable"]],
            "settings": [info["Name"], info["Labels"], info["RegistryConfig"], info["DefaultAddressPools"]],
            "changed": sorted(one["Path"] for one in changed if not one["Path"].startswith(TRANSIENT)),
            "files": on(lab, name, FILES),
        }


def network(one):
    options = {key: value for key, value in one["Options"].items() if not key.endswith("vxlanid_list")}
    subnets = [each["Subnet"] for each in one["IPAM"]["Config"] or []]
    return [one["Driver"], one["Scope"], one["Attachable"], one["Ingress"], options, one["Labels"] or {}, subnets]


def swarm(lab):
    with lab.wire("workstation") as wire:
        try:
            nodes = wire.get("/nodes")
        except Exception as error:  # a lab in ruins is compared too
            return str(error)
        spec = wire.get("/swarm")["Spec"]
        return {
            "spec": spec,
            "nodes": sorted(
                [
                    one["Description"].get("Hostname", ""),
                    one["Status"]["State"],
                    json.dumps(one["Spec"], sort_keys=True),
                ]
                for one in nodes
            ),
            "tasks": len(wire.get("/tasks")),
            **{
                kind: [one["Spec"]["Name"] for one in wire.get(f"/{kind}")]
                for kind in ("services", "secrets", "configs")
            },
        }


def own_folder(lab):
    """Of the docker CLI's folder on this side: which files there are, and what is in them but for the ports."""
    from labkit.lab import contexts

    top = contexts.folder(lab.folder)
    found = {}
    for path in sorted(top.rglob("*")):
        text = path.read_text() if path.is_file() and path.suffix == ".json" else path.is_file()
        found[str(path.relative_to(top))] = (
            text if "tcp://" not in str(text) else text.replace(f":{port_of(text)}", ":PORT")
        )
    return found


def port_of(text):
    return json.loads(text)["Endpoints"]["docker"]["Host"].rpartition(":")[2]


def on(lab, name, script):
    """Runs a script in a shell on that machine, as `labkit shell` does."""
    command = ["docker", "-H", lab.engine.url, "exec", "-i", lab.parts[name].id, "bash", "-s"]
    done = subprocess.run(command, input=script, capture_output=True, text=True, timeout=120)
    return done.stdout


def typed(lab, script):
    done = shell(lab, f"set -e\n{script}")
    assert done.returncode == 0, done.stdout + done.stderr


def assert_fresh(lab, fresh):
    """The same as a fresh lab; the Swarm forgets the tasks of a service a second after the service."""
    deadline = time.monotonic() + 20
    while (found := held(lab)) != fresh and time.monotonic() < deadline:
        time.sleep(0.2)  # a state, with a deadline
    told = list(differences(found, fresh))
    assert not told, "\n".join(told)


def differences(found, wanted, place=""):
    """Where they differ, short enough to read."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in sorted({*found, *wanted}):
            yield from differences(found.get(key), wanted.get(key), f"{place}/{key}")
    elif isinstance(found, str) and isinstance(wanted, str):
        yield from (
            f"{place}: {line}" for line in unified_diff(wanted.splitlines(), found.splitlines(), n=0, lineterm="")
        )
    elif found != wanted:
        yield f"{place}: {found!r}, and not {wanted!r}"


def push(lab):
    typed(
        lab,
        """
        docker login -u myusername -p mypassword
        docker login -u myusername -p mypassword registry.lab:5000
        docker tag myapp:latest myusername/myapp:v1.0.0
        docker push myusername/myapp:v1.0.0
        docker tag myapp:latest registry.lab:5000/library/busybox:mine
        docker push registry.lab:5000/library/busybox:mine
        docker tag myapp:latest myusername/untagged:v1
        docker push myusername/untagged:v1
        """,
    )
    # As a delete of the tag leaves it: the manifest is there, by its digest.
    on(lab, "edge", "rm -r /var/lib/registry/docker/registry/v2/repositories/hub/myusername/untagged/_manifests/tags")


def things(lab):
    """Everything that a learner can make with docker."""
    push(lab)
    typed(
        lab,
        """
        docker pull busybox
        docker network create mine --subnet 10.77.0.0/24
        docker network create --driver overlay --attachable far
        docker --context worker1 network create theirs
        docker volume create data
        docker run -d --name web --network mine -v data:/d -v /anonymous busybox sh -c 'touch /d/f; sleep 1000'
        docker run -d --name frozen busybox sleep 1000
        docker pause frozen
        docker create --name never busybox
        docker run -d --name reaching --network far busybox sleep 1000
        printf 'FROM busybox\\nRUN touch /one\\nRUN touch /two\\n' | DOCKER_BUILDKIT=0 docker build -t built -
        printf 'FROM busybox\\nRUN touch /other\\n' | DOCKER_BUILDKIT=0 docker build -t built -
        docker commit web myapp:latest
        echo hidden | docker secret create password -
        echo plain | docker config create settings -
        docker service create --detach --name shop --replicas 3 --network far --secret password --config settings \
            --restart-condition any --with-registry-auth myusername/myapp:v1.0.0
        docker service create --detach --name trapped busybox sh -c 'trap "" TERM; sleep 1000'
        docker service create --detach --name missing busybox:none
        printf 'version: "3.8"\\nservices:\\n  a:\\n    image: busybox\\n    command: sleep 1000\\n    networks: [n]\\n\
networks:\\n  n:\\nconfigs:\\n  c:\\n    file: /etc/hostname\\n' > stack.yml
        docker stack deploy --detach=true -c stack.yml pile
        docker --context worker2 pull busybox
        docker --context worker2 tag busybox other:v1
        """,
    )
    on(
        lab,
        "worker1",
        "printf 'FROM scratch\\nCOPY hosts /\\n' > /tmp/D && docker buildx build -t kit -f /tmp/D /etc && rm /tmp/D",
    )


def folders(lab):
    """What is kept beside the engines: sign-ins, contexts, settings, files."""
    push(lab)
    typed(
        lab,
        """
        docker context create another --docker host=tcp://127.0.0.1:1
        docker context use worker1
        mkdir -p $DOCKER_CONFIG/buildx/instances $DOCKER_CONFIG/cli-plugins
        echo '{"Name": "mine"}' > $DOCKER_CONFIG/buildx/instances/mine
        ln -s /bin/true $DOCKER_CONFIG/cli-plugins/docker-mine
        python3 - <<'PYTHON'
import json, os
path = os.environ["DOCKER_CONFIG"] + "/config.json"
config = json.load(open(path))
config |= {"credHelpers": {"ghcr.io": "pass"}, "credsStore": "pass", "proxies": {"default": {"httpProxy": "http://x"}}}
json.dump(config, open(path, "w"))
PYTHON
        """,
    )
    on(
        lab,
        "worker1",
        "echo mypassword | docker login -u myusername --password-stdin; docker context create x; docker context use x;"
        "echo 'alias docker=echo' >> ~/.bashrc; rm ~/.profile; mkdir -p ~/deep/er; touch ~/deep/er/f '/tmp/a b' /srv/s",
    )
    on(lab, "workstation", "docker buildx create --name mine --driver docker-container; echo ls > ~/.bash_history")


def members(lab):
    """Nodes that are closed, marked, gone, and there twice."""
    push(lab)
    typed(
        lab,
        """
        docker service create --detach --name myapp --replicas 6 myusername/myapp:v1.0.0
        docker node update --availability pause --label-add zone=a worker1
        docker node update --availability drain --label-add ssd=yes workstation
        docker --context worker2 swarm leave
        docker --context worker2 network create first
        """,
    )


def managers(lab):
    """The workstation is no manager any more, and a worker is."""
    typed(
        lab,
        """
        docker node promote worker1
        until docker --context worker1 node ls; do sleep 0.1; done
        until docker --context worker1 node demote workstation; do sleep 0.1; done
        """,
    )
    until(lambda: on(lab, "workstation", "docker info -f '{{.Swarm.ControlAvailable}}'").strip() == "false", "demotion")


def another_manager(lab):
    typed(lab, "docker node promote worker2; until docker --context worker2 node ls; do sleep 0.1; done")


def settings(lab):
    """A Swarm that is set up otherwise."""
    typed(
        lab,
        """
        docker swarm update --autolock=true --task-history-limit 1
        yes | docker network rm ingress
        until docker network create --driver overlay --ingress --subnet 10.99.0.0/24 other; do sleep 0.2; done
        """,
    )


def all_left(lab):
    typed(lab, "for c in worker1 worker2 workstation; do docker --context $c swarm leave --force; done")


def bridge(lab):
    """A node whose own bridge was made by hand."""
    typed(lab, "docker --context worker1 swarm leave")
    until(
        lambda: on(lab, "worker1", "docker network rm docker_gwbridge && echo gone").strip().endswith("gone"),
        "no bridge",
    )
    typed(lab, "docker --context worker1 network create --subnet 10.98.0.0/24 docker_gwbridge")


def frozen(lab):
    """Paused containers on nodes that have to be made anew: what is frozen cannot be killed, nor what it is in."""
    typed(
        lab,
        """
        for c in workstation worker1; do
            docker --context $c pull busybox
            docker --context $c run -d --name ice busybox sleep 1000
            docker --context $c pause ice
        done
        docker --context worker2 swarm leave
        """,
    )


def system(lab):
    """A machine's own files."""
    on(
        lab,
        "worker2",
        "mkdir -p /etc/docker/certs.d/x; echo 10.0.0.1 registry.lab >> /etc/hosts; touch /usr/local/bin/tool",
    )


def silent(lab):
    """An engine that does not answer, and one that has ended."""
    push(lab)
    on(lab, "worker1", "docker pull busybox; kill -STOP $(cat /run/docker.pid)")
    on(lab, "worker2", "docker pull busybox; kill -KILL $(cat /run/docker.pid)")


def workstation(lab):
    """The machine where people type, spoiled."""
    push(lab)
    typed(lab, "docker service create --detach --name myapp --replicas 3 myusername/myapp:v1.0.0")
    on(lab, "workstation", "rm /usr/bin/docker")


def edge(lab):
    """Registries that do not answer, and a machine that is gone."""
    push(lab)
    on(lab, "edge", "pkill -STOP -f 'python3 -m edge'")
    subprocess.run(
        ["docker", "-H", lab.engine.url, "rm", "-fv", lab.parts["worker2"].id], check=True, capture_output=True
    )


def fault(damage, happens):
    return pytest.param(
        damage, marks=pytest.mark.fault(happens, "After one reset, the lab is as if it had just started")
    )


DAMAGE = (
    things,
    folders,
    members,
    fault(managers, "The workstation is no longer a Swarm manager"),
    another_manager,
    settings,
    fault(all_left, "Every node leaves the Swarm by force"),
    bridge,
    fault(frozen, "Containers are paused on nodes that must be created again"),
    fault(system, "A node's own files are changed"),
    fault(silent, "One node's engine is frozen, another's is killed"),
    fault(workstation, "The docker command is deleted on the workstation"),
    fault(edge, "The edge is frozen and a node is removed"),
)


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_the_whole_lab_becomes_as_it_was(lab, fresh, damage):
    from labkit.lab.playing.reset import reset_all

    damage(lab)
    start = time.monotonic()
    told = []
    after = reset_all(lab, told.append)
    print(f"{damage.__name__}: {time.monotonic() - start:.2f} s; {told}")
    assert_fresh(after, fresh)


def marks(lab):
    with lab.wire("edge") as wire:
        return [entry["exercises"] for entry in wire.get("/observation?sections=log")["log"]["resets"]]


@pytest.mark.fault(
    "A node's engine is frozen and its volume is held by another container during a reset",
    "The reset says what it could not do, does the rest, and can be repeated",
)
def test_a_reset_that_fails_says_what_and_is_run_again(lab, fresh):
    from labkit.errors import LabError
    from labkit.lab.playing.reset import reset_all

    push(lab)
    on(lab, "worker1", "docker volume create old; kill -STOP $(cat /run/docker.pid)")
    before = marks(lab)
    volume = lab.plan.volume(lab.plan.machine("worker1"))
    docker = ["docker", "-H", lab.engine.url]
    hold = [*docker, "run", "-d", "--network", "none", "-v", f"{volume}:/held", lab.parts["edge"].image, "sleep", "600"]
    holder = subprocess.run(hold, check=True, capture_output=True, text=True).stdout.strip()
    try:
        with pytest.raises(LabError) as failed:
            reset_all(lab)
        assert failed.value.what.startswith(
            f"worker1 could not be created again: its volume {volume} could not be removed:"
        )
        assert holder[:12] in failed.value.what
        assert failed.value.fix.startswith("labkit reset")
        assert marks(lab) == before
        # What did not fail is done.
        with lab.wire("edge") as wire:
            known = wire.get("/observation?sections=registries")["registries"]["known"]
        assert known["hub"]["repositories"] == fresh["registries"]["hub"]
    finally:
        subprocess.run([*docker, "rm", "-f", holder], check=True, capture_output=True)
    after = reset_all(lab)
    assert len(marks(after)) == len(before) + 1
    assert_fresh(after, fresh)


@pytest.mark.fault("A reset is killed right after it began", "It has no effect; the next reset restores the lab")
@pytest.mark.parametrize("damage", [things, members], ids=lambda damage: damage.__name__)
def test_a_reset_that_was_killed_is_run_again(lab, fresh, damage):
    """Killed when it has just begun: to clear machines, or to make them anew."""
    from labkit.content import exercises
    from labkit.lab import find

    damage(lab)
    env = {**lab.home.variables(os.environ), "LABKIT_ENGINE": lab.engine.url}
    before = marks(lab)
    process = subprocess.Popen(
        [sys.executable, "-m", "labkit", "reset", "--all"],
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def begun():
        now = find.on(lab.engine, lab.home)
        return now.missing or not shell(now, "docker service ls -q").stdout

    try:
        until(begun, "the reset has begun")
    finally:
        process.kill()
        process.wait()
    assert marks(lab) == before
    told = labkit("reset", "--all", env=env, check=0)
    assert "The lab was reset." in told.stdout
    after = find.on(lab.engine, lab.home)
    assert marks(after) == [*before, exercises.slugs()]
    assert_fresh(after, fresh)


def test_an_exercise_takes_what_it_names_and_nothing_else(lab):
    """What is not the exercise's stays; only the workstation is where one types again."""
    from labkit.content import exercises
    from labkit.lab import contexts
    from labkit.lab.playing.reset import reset, reset_all

    push(lab)
    typed(
        lab,
        """
        docker volume create mine
        docker network create mine
        docker service create --detach --name myapp --replicas 3 myusername/myapp:v1.0.0
        docker service create --detach --name other --replicas 1 myusername/myapp:v1.0.0
        docker node update --label-add zone=a worker1
        docker context use worker1
        """,
    )
    before = held(lab)
    reset(lab, [exercises.load("05-deploy")])
    after = held(lab)
    assert after["swarm"]["services"] == ["other"]
    assert after["swarm"]["nodes"] == before["swarm"]["nodes"]
    assert after["registries"] == before["registries"]
    assert [after[name]["volumes"] for name in NODES] == [before[name]["volumes"] for name in NODES]
    assert [after[name]["networks"] for name in NODES] == [before[name]["networks"] for name in NODES]
    assert after["workstation"]["images"] == before["workstation"]["images"]
    assert contexts.config(lab.folder)["currentContext"] == "workstation"
    assert "https://index.docker.io/v1/" in contexts.config(lab.folder)["auths"]
    reset_all(lab)


def test_an_engine_asks_for_a_digest_anew(lab):
    """What it keeps of a manifest is gone too: a pull by digest is in the access log again."""
    from labkit.lab.looking.observe import observe
    from labkit.lab.playing.reset import reset_all

    pull = "docker pull $(docker image inspect --format '{{index .RepoDigests 0}}' myusername/myapp:v1.0.0)"
    for _ in range(2):
        lab = reset_all(lab)
        push(lab)
        before = len(observe(lab).log.events)
        typed(lab, pull)
        assert [event.action for event in observe(lab).log.events[before:]] == ["pull"]
    reset_all(lab)


VENDORS = """
curl -fsS -u myusername:mypassword -H 'Content-Type: application/json' -d '{"project_name": "myproject"}' https://harbor.lab/api/v2.0/projects
aws ecr create-repository --repository-name myapp --region eu-central-1
docker login -u myusername -p mypassword harbor.lab
aws ecr get-login-password --region eu-central-1 | docker login --username AWS --password-stdin 123456789012.dkr.ecr.eu-central-1.amazonaws.com
for name in harbor.lab/myproject/myapp harbor.lab/myproject/other 123456789012.dkr.ecr.eu-central-1.amazonaws.com/myapp; do
  docker tag myapp $name:v1.0.0 && docker push $name:v1.0.0
done
"""
LOOKS = """
curl -s -o /dev/null -w '%{http_code} ' -u myusername:mypassword https://harbor.lab/api/v2.0/projects/myproject
aws ecr describe-repositories --region eu-central-1 --query 'length(repositories)'
"""


def test_an_exercise_empties_the_registries_that_it_names(lab):
    """What they hold, and what was made there beside images: projects, repositories, tokens. Docker Hub keeps the rest."""
    from labkit.content import exercises
    from labkit.lab.playing.reset import reset, reset_all

    push(lab)
    typed(lab, "docker tag myapp myusername/other:v1.0.0; docker push myusername/other:v1.0.0")
    on(lab, "workstation", VENDORS)
    assert on(lab, "workstation", LOOKS).split() == ["200", "1"]
    assert sorted(held(lab)["registries"]["harbor"]) == ["myproject/myapp", "myproject/other"]
    reset(lab, [exercises.load("11-registries")])
    after = held(lab)
    assert on(lab, "workstation", LOOKS).split() == ["404", "0"]
    assert after["registries"]["harbor"] == after["registries"]["ecr"] == {}
    assert sorted(after["registries"]["hub"]) == ["library/busybox", "library/registry", "myusername/other"]
    names = [tag for tags, *_ in after["workstation"]["images"] for tag in tags]
    assert not [name for name in names if name.startswith(("harbor.lab", "123456789012"))]
    assert {"myapp:latest", "myusername/other:v1.0.0"} <= set(names)
    assert "/root/.docker/config.json" not in after["workstation"]["files"]
    reset_all(lab)


def test_after_a_reset_an_image_has_one_digest_everywhere(lab):
    """An engine that once pulled a layer would push it as it got it, to the registry that has it, and in its own bytes to others."""
    from labkit.lab.looking.observe import observe
    from labkit.lab.playing.reset import reset_all
    from labkit.seen.lab import SeenLab

    typed(lab, "docker pull busybox")
    lab = reset_all(lab)
    push(lab)
    registries = SeenLab(observe(lab, ["registries"])).registries
    pushed = registries["private"].repositories["library/busybox"]["mine"]  # the same image, under a misleading name
    assert registries["hub"].repositories["myusername/myapp"]["v1.0.0"] == pushed
    reset_all(lab)
