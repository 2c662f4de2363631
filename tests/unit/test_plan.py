"""What a lab is: its plan, where it lies, and the value that is found of it. No engine."""

import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from labkit import paths
from labkit.content import exercises
from labkit.errors import LabError
from labkit.lab import compose, contexts, environment, find, limit
from labkit.lab.access import Guest, Owner
from labkit.lab.engine import engines
from labkit.lab.engine.engines import Engine
from labkit.lab.lab import Instance, Lab
from labkit.lab.lifecycle import machines, network, pki
from labkit.lab.lifecycle.site import Site
from labkit.lab.lifecycle.steps import Step, run
from labkit.lab.plan import COMPOSE, EXTRAS, MACHINE, MAX_WORKERS, ROLE, WORK, Plan, bridge
from labkit.paths import Home


def home(folder, name="lab", **more):
    return Home(name, folder / name / "state", folder / name / "work", folder / "cache", **more)


plans = st.builds(
    Plan,
    name=st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True),
    work=st.just(Path("/home/ada/registry-lab")),
    workers=st.integers(1, MAX_WORKERS),
    deadline=st.integers(0, 2**33),
    learner=st.text(max_size=20),
    workshop=st.text(max_size=20),
    extras=st.lists(st.sampled_from(sorted(EXTRAS)), max_size=3).map(tuple),
    version=st.just("1.2"),
)


@given(plans)
def test_a_plan_is_kept_in_its_labels(plan):
    labels = [plan.labels(machine) for machine in plan.machines]
    assert Plan.from_labels(labels) == plan
    assert [(each[MACHINE], each[ROLE]) for each in labels] == [(each.name, each.role) for each in plan.machines]


def test_the_standard_lab():
    plan = Plan("lab")
    assert [machine.name for machine in plan.machines] == ["edge", "workstation", "worker1", "worker2"]
    assert len({machine.host for machine in replace(plan, workers=MAX_WORKERS, extras=tuple(EXTRAS)).machines}) == (
        2 + MAX_WORKERS + sum(map(len, EXTRAS.values()))
    )
    assert {"registry-1.docker.io", "auth.docker.io", "registry.lab"} <= set(plan.machine("edge").aliases)
    with pytest.raises(KeyError):
        plan.machine("worker3")


def test_a_plan_grows_and_never_shrinks():
    ada = Plan("lab", workers=3, deadline=7, learner="Ada")
    grown = ada.grown(Plan("lab", workers=1, deadline=9, extras=("registry",)))
    assert grown == replace(ada, extras=("registry",))
    assert grown.grown(Plan("lab", workers=5)).workers == 5
    # A lab that was added to has containers with older labels beside the new ones.
    both = [*(ada.labels(each) for each in ada.machines), grown.labels(EXTRAS["registry"][0])]
    assert Plan.from_labels(both) == grown
    with pytest.raises(LabError, match="A lab of Ada is up, and can't become Bob's lab"):
        ada.grown(Plan("lab", learner="Bob"))
    with pytest.raises(LabError, match="without a learner's name is up"):
        Plan("lab").grown(Plan("lab", learner="Bob"))


def test_a_lab_can_be_given_another_time_limit(tmp_path):
    first = lab(tmp_path, NAMES, Plan("lab", deadline=1000, start="a"))
    assert limit.applied(first.home, first.plan) == first.plan
    longer = limit.change(first, 2000.4)
    assert longer.plan.deadline == 2000.4
    assert limit.applied(first.home, first.plan) == replace(first.plan, deadline=2000)
    assert limit.applied(first.home, replace(first.plan, start="b")).deadline == 1000, "another lab has its own"
    first.home.clear_state()
    assert limit.applied(first.home, first.plan) == first.plan


@pytest.mark.parametrize("content", ["", "[]", '{"start": "a"}', '{"start": "a", "deadline": 1e300}'])
def test_a_damaged_time_limit_leaves_the_labs_own(tmp_path, content, caplog):
    found = lab(tmp_path, NAMES, Plan("lab", deadline=1000, start="a"))
    found.folder.mkdir(parents=True)
    (found.folder / limit.FILE).write_text(content)
    assert limit.applied(found.home, found.plan).deadline == 1000
    assert f"{limit.FILE} is damaged" in caplog.text


def test_that_the_time_ended_is_known_until_the_next_lab(tmp_path, monkeypatch):
    there = home(tmp_path)
    assert limit.ended(there) == 0
    limit.note_end(there, 1795000000.0)
    assert limit.ended(there) == 1795000000
    assert not there.used, "nothing runs"
    monkeypatch.setattr(find, "any_engine", lambda home: None)
    with pytest.raises(LabError, match=r"The lab's time ended at \d\d:\d\d on 18 November\.") as told:
        find.current(there)
    assert told.value.fix == "labkit up"
    there.clear_state()
    with pytest.raises(LabError, match="The lab is not running"):
        find.current(there)


def test_an_unknown_part_is_told():
    with pytest.raises(LabError, match="no optional part 'regstry': did you mean registry"):
        Plan("lab", extras=("regstry",))


def test_a_home_is_what_the_environment_says(tmp_path):
    plain = Home.of({"HOME": "/home/ada"})
    assert plain == Home(
        "registry-lab",
        Path("/home/ada/.local/state/registry-lab/registry-lab"),
        Path("/home/ada/registry-lab"),
        Path("/home/ada/.cache/registry-lab"),
    )
    said = {
        "LABKIT_LAB": "mine",
        "XDG_STATE_HOME": "/s",
        "XDG_CACHE_HOME": "/c",
        "LABKIT_WORK": "/w",
        "LABKIT_ENGINE": "unix:///e",
        "LABKIT_INSIDE": "1",
    }
    assert Home.of(said) == Home(
        "mine", Path("/s/registry-lab/mine"), Path("/w"), Path("/c/registry-lab"), engine="unix:///e", inside=True
    )
    assert Home.of({**said, "LABKIT_STATE": "/t"}).state == Path("/t")


def test_a_process_is_told_only_what_its_environment_does_not_say(tmp_path):
    environ = {"HOME": "/home/ada", "LABKIT_LAB": "other"}
    same = Home.of({"HOME": "/home/ada"})
    assert same.variables(environ) == {"LABKIT_LAB": "registry-lab"}
    elsewhere = home(tmp_path, engine_run=tmp_path / "run", engine_data=tmp_path / "data")
    assert Home.of({**environ, **elsewhere.variables(environ)}) == elsewhere


def instance(name, state="running"):
    return Instance("id", name, "node" if "work" in name else name, state, "10.0.0.1", 1, "image")


def lab(folder, names, plan=None, **more):
    plan = plan or Plan("lab")
    access = Owner(Engine("unix:///x"))
    return Lab(plan, home(folder, plan.name), access, {name: instance(name) for name in names}, **more)


NAMES = ("edge", "workstation", "worker1", "worker2")


def test_what_a_lab_lacks(tmp_path):
    whole = lab(tmp_path, NAMES)
    assert whole.missing == []
    assert replace(whole, parts={**whole.parts, "worker1": instance("worker1", "exited")}).missing == ["worker1"]
    # The plan says how many there are: a worker that was removed is missed.
    assert lab(tmp_path, NAMES[:-1]).missing == ["worker2"]
    assert lab(tmp_path, NAMES, Plan("lab", extras=("registry",))).missing == ["my-registry"]
    with pytest.raises(LabError, match="worker3 is not running"):
        whole.wire("worker3")
    with pytest.raises(LabError, match="keys of the lab are missing"):
        whole.wire("worker1")


def test_a_guest_never_has_the_engine(tmp_path):
    guest = replace(lab(tmp_path, NAMES), access=Guest("https://classroom.example/ada"))
    with pytest.raises(LabError, match="Only the lab's owner"):
        _ = guest.engine
    assert guest.url("worker1") == "tcp://127.0.0.1:1"


def test_two_labs_lie_apart(tmp_path):
    """What one keeps on this side is not seen in the other, in one process."""
    labs = [lab(tmp_path, NAMES, Plan(name, learner=name)) for name in ("ada", "bob")]
    for each in labs:
        pki.make(each.folder / "pki", each.plan)
        contexts.write(each.folder, {node.machine: each.url(node.machine) for node in each.nodes})
    ada, bob = labs
    assert (ada.keys / "key.pem").read_bytes() != (bob.keys / "key.pem").read_bytes()
    (contexts.folder(ada.folder) / "config.json").write_text('{"auths": {"registry.lab:5000": {"auth": "eA=="}}}')
    assert "registry.lab:5000" in contexts.config(ada.folder)["auths"]
    assert "registry.lab:5000" not in contexts.config(bob.folder)["auths"]
    contexts.sign_out(ada.folder)
    assert contexts.config(ada.folder) == contexts.EMPTY
    for each in labs:
        told = environment.process(each)
        assert told["LABKIT_LAB"] == told["LABKIT_LEARNER"] == each.name
        assert Home.of(told) == replace(each.home, engine="unix:///x")
        assert told["DOCKER_CONFIG"] == str(each.folder / "docker")


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path):
    plan = Plan("lab", extras=("registry",))
    pki.make(tmp_path, plan)
    made = {file.parent.parent.name for file in tmp_path.glob("*/pki/server-key.pem")}
    assert made == {"owner", "edge", "workstation", *(f"worker{n}" for n in range(1, MAX_WORKERS + 1))}
    assert all(key.stat().st_mode & 0o077 == 0 for key in tmp_path.rglob("*key.pem"))
    before = (tmp_path / "client/key.pem").read_bytes()
    pki.make(tmp_path, plan)
    assert (tmp_path / "client/key.pem").read_bytes() == before


def test_no_server_is_a_client(tmp_path):
    """Where both sides show a certificate, the authority of one is unknown to the other."""
    pki.make(tmp_path, Plan("lab"))
    servers, clients = tmp_path / "client/ca.pem", tmp_path / "worker1/pki/lab-ca.pem"
    context = ssl.create_default_context(cafile=str(servers))
    context.load_cert_chain(tmp_path / "client/cert.pem", tmp_path / "client/key.pem")
    guests = tmp_path / "owner/pki/lab-ca.pem"
    authorities = [servers, clients, guests, tmp_path / "edge/pki/hub-ca.pem"]
    assert len({file.read_text() for file in authorities}) == 4


DOCKER = ("LABKIT_ENGINE", "DOCKER_HOST", "DOCKER_CONTEXT")


def test_the_engine_that_the_docker_cli_would_use(tmp_path, monkeypatch):
    for name in DOCKER:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    place = home(tmp_path)
    assert engines.chosen(place) is None
    (tmp_path / "config.json").write_text('{"currentContext": "colima"}')
    meta = tmp_path / "contexts/meta/abc"
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text('{"Name": "colima", "Endpoints": {"docker": {"Host": "unix:///colima.sock"}}}')
    assert engines.chosen(place) == ("unix:///colima.sock", "Docker context colima")
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    assert engines.chosen(place) == ("tcp://127.0.0.1:1", "DOCKER_HOST")
    assert engines.chosen(replace(place, engine="unix:///mine.sock")) == ("unix:///mine.sock", "LABKIT_ENGINE")


def test_the_labs_own_contexts_are_not_taken_for_the_learners(tmp_path, monkeypatch):
    for name in DOCKER:
        monkeypatch.delenv(name, raising=False)
    place = home(tmp_path)
    folder = contexts.folder(place.state)
    pki.make(place.state / "pki", Plan("lab"))
    contexts.write(place.state, {"workstation": "tcp://127.0.0.1:1"})
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    assert engines.chosen(place) is None
    assert engines.chosen(home(tmp_path, "another")) == ("tcp://127.0.0.1:1", "Docker context workstation")


def test_nothing_is_decided_at_import():
    assert not [name for name, value in vars(paths).items() if isinstance(value, Home)]


def test_steps_run_side_by_side_and_after_what_they_need():
    both = threading.Barrier(2, timeout=10)
    order, said = [], []
    steps = [
        Step("base", lambda: order.append("base"), says="laying the base"),
        Step("left", lambda: both.wait() is None or order.append("left"), ("base",)),
        Step("right", lambda: both.wait() is None or order.append("right"), ("base",)),
        Step("roof", lambda: order.append("roof"), ("left", "right"), "putting on the roof"),
    ]
    run(steps, said.append)
    assert order[0] == "base" and order[-1] == "roof" and set(order[1:-1]) == {"left", "right"}
    assert said == ["laying the base", "putting on the roof"]


def test_what_needs_a_step_that_failed_is_not_tried():
    tried = []

    def fail():
        raise LabError("the base broke")

    steps = [
        Step("base", fail),
        Step("beside", lambda: tried.append("beside")),
        Step("roof", lambda: tried.append("roof"), ("base",)),
    ]
    with pytest.raises(LabError, match="the base broke"):
        run(steps, print)
    assert tried == ["beside"]


def test_the_compose_file_is_made_from_the_plan():
    """After a change of the plan: python -m labkit.lab.compose > docker-compose.lab.yml"""
    assert (Path(__file__).parents[2] / "docker-compose.lab.yml").read_bytes() == compose.text().encode()


def test_the_compose_file_is_yaml_in_which_folder_and_addresses_can_be_chosen():
    told = yaml.safe_load(compose.text())
    assert "${LABKIT_WORK:-${PWD}/work}:/work" in told["services"]["jupyter"]["volumes"]
    assert told["x-labels"][WORK] == "${LABKIT_WORK:-${PWD}/work}"
    addresses = [one["networks"]["lab"]["ipv4_address"] for one in told["services"].values() if "networks" in one]
    assert len(addresses) == 5
    assert all(re.fullmatch(r"\$\{LABKIT_SUBNET:-10\.203\.200}\.\d+", one) for one in addresses)
    network = told["networks"]["lab"]
    assert network["ipam"]["config"][0]["subnet"] == "${LABKIT_SUBNET:-10.203.200}.0/24"
    assert network["driver_opts"] == {"com.docker.network.bridge.name": "lab-${LABKIT_SUBNET:-10.203.200}"}
    assert len(bridge("192.168.100")["com.docker.network.bridge.name"]) <= 15, "the kernel's limit"
    assert "the Docker Engine's socket" in compose.HEAD, "who reads the file is told"


def test_an_exercise_names_the_parts_that_it_needs(tmp_path):
    folder = tmp_path / "90-own"
    folder.mkdir()
    (folder / "lesson.md").write_text("# A registry of your own\n")
    (folder / "checks.py").write_text("")
    (folder / "exercise.toml").write_text('lab = ["registry"]\n')
    assert exercises.read(folder).extras == ("registry",)


@pytest.mark.parametrize("exercise", exercises.every(), ids=lambda exercise: exercise.slug)
def test_every_part_that_an_exercise_needs_is_known(exercise):
    assert set(exercise.extras) <= set(EXTRAS)


def test_what_up_makes(tmp_path):
    """A machine that is missing, or whose removal was cut short. Of a lab of Docker Compose's only what needs no keys."""
    plan = Plan("lab", extras=("registry",))
    found = lab(tmp_path, NAMES[:2], plan)
    there = {**found.parts, "edge": instance("edge", "dead"), "workstation": instance("workstation", "exited")}

    def made(plan):
        site = Site(found.engine, found.home, plan, print, there=there)
        return [machine.name for machine in plan.machines if site.lacks(machine)]

    assert made(plan) == ["edge", "worker1", "worker2", "my-registry"]
    assert made(replace(plan, version=COMPOSE)) == ["my-registry"]
    repaired = Site.of(found, print)
    assert not any(map(repaired.lacks, plan.machines))
    with pytest.raises(LabError, match="worker1 is missing"):
        machines.start(repaired, plan.machine("worker1"))


# ── whose it is ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_usual_names_of_two_users_do_not_meet(monkeypatch):
    def named(number, name):
        monkeypatch.setattr(paths.os, "geteuid", lambda: number)
        monkeypatch.setattr(paths, "user", lambda: name)
        return Home.of({"HOME": "/h"}).name

    users = [(0, "root"), (1000, "ada"), (1001, "Ada"), (1002, "DOM\\ada"), (1003, "ada lovelace"), (1004, "1004")]
    names = [named(*user) for user in users]
    assert names[:2] == ["registry-lab", "registry-lab-ada"]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9_.-]+", name) for name in names)


def test_whose_a_lab_is(tmp_path):
    mine = home(tmp_path)
    assert mine.owner == f"{paths.user()}@{socket.gethostname().partition('.')[0]}:{mine.state}"
    me = mine.owner.partition("@")[0]
    for owner in (mine.owner, me, ""):  # one's own; Docker Compose's; an older labkit's
        find.check_owner(Plan("lab", owner=owner).bare_labels, mine)
    for owner in ("ada", f"ada@{mine.owner.partition('@')[2]}", f"{me}@elsewhere:{mine.state}"):
        with pytest.raises(find.Foreign, match="not yours: it belongs to"):
            find.check_owner(Plan("lab", owner=owner).bare_labels, mine)
        find.check_owner({"io.registry-lab.owner": owner}, replace(mine, inside=True))
        find.check_owner({"io.registry-lab.owner": owner}, replace(mine, said_owner=owner))
    with pytest.raises(find.Foreign, match="with another state folder: /s") as told:
        find.check_owner({"io.registry-lab.owner": mine.owner.replace(str(mine.state), "/s t")}, mine)
    assert "LABKIT_STATE='/s t' labkit status" in told.value.fix


def test_contexts_of_a_lab_that_is_down_lead_nowhere(tmp_path):
    contexts.close(tmp_path)
    assert not contexts.folder(tmp_path).exists()  # there was none
    pki.make(tmp_path / "pki", Plan("lab"))
    both = {"workstation": "tcp://127.0.0.1:1", "worker1": "tcp://127.0.0.1:2"}
    contexts.write(tmp_path, both)
    contexts.close(tmp_path)
    nowhere = dict.fromkeys((contexts.DOWN, "workstation", "worker1"), contexts.NOWHERE)
    assert contexts.addresses(tmp_path) == nowhere
    assert contexts.config(tmp_path) == {**contexts.EMPTY, "currentContext": contexts.DOWN}
    assert not list(tmp_path.glob("docker/**/*.pem"))
    contexts.write(tmp_path, both)
    assert contexts.addresses(tmp_path) == both
    assert contexts.config(tmp_path)["currentContext"] == "workstation"


def test_steps_that_are_interrupted_have_ended_when_it_goes_on():
    """What interrupts the main thread is raised when no step runs any more, and none was begun since."""
    over, began, done = threading.Event(), threading.Event(), []

    def first():
        began.set()
        assert over.wait(10)
        done.append("first")

    steps = [Step("first", first), Step("second", lambda: done.append("second"), ("first",))]
    main = threading.main_thread().ident
    threading.Thread(target=lambda: began.wait(10) and signal.pthread_kill(main, signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        run(steps, lambda _: None, over)
    assert done == ["first"]


def test_what_jupyterlab_remembers_is_the_labs_own(tmp_path):
    """Its tabs, divider and theme: another JupyterLab of this user's must not open in the lab, nor the lab's in it."""
    from labkit.jupyter import server

    remembers = Path(server.variables(tmp_path)["JUPYTER_CONFIG_DIR"])
    assert remembers.is_relative_to(tmp_path)
    assert {"workspaces", "user-settings"}.isdisjoint(path.name for path in server.SHARE.rglob("*"))
    assert any(option.startswith("--LabApp.news_url=None") for option in server.settings())


# Networks

ROUTES = """Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
vpn0	0000000A	00000000	0001	0	0	0	000000FF	0	0	0
lab-10.203.0	0000CB0A	00000000	0001	0	0	0	00FFFFFF	0	0	0
br-1	0008CB0A	00000000	0001	0	0	0	00FCFFFF	0	0	0
tun0	0514CB0A	00000000	0005	0	0	0	FFFFFFFF	0	0	0
docker0	000011AC	00000000	0001	0	0	0	0000FFFF	0	0	0
"""


def test_which_networks_this_machine_has_routes_to():
    assert network.routed(ROUTES) == {f"10.203.{n}" for n in (0, 8, 9, 10, 11, 20)}
    assert network.routed("Iface Destination\n") == set()


COUNTS = """
import sys, time
from pathlib import Path
from labkit.lab.lifecycle import network
file = Path(sys.argv[1])
for _ in range(20):
    with network.claim():
        held = int(file.read_text())
        time.sleep(0.002)
        file.write_text(str(held + 1))
"""


def test_one_process_of_the_machine_at_a_time_chooses_a_network(tmp_path):
    (file := tmp_path / "count").write_text("0")
    words = [sys.executable, "-c", COUNTS, str(file)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda _: subprocess.run(words, check=True), range(3)))
    assert file.read_text() == "60"


def test_who_holds_the_choice_for_ever_stops_nobody():
    def waited():
        began = time.monotonic()
        with network.claim(patience=0.2):
            return time.monotonic() - began

    with network.claim(), ThreadPoolExecutor() as pool:
        assert pool.submit(waited).result() >= 0.2  # a thread of the same process is kept out too
    assert waited() < 0.2
