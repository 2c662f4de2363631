"""The broker with a real engine: two learners' labs, what one of them tries on the other, and accidents."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers import ROOT, until

from labkit.classroom.broker import disk, naming, overview
from labkit.classroom.broker.broker import STOPPED, Broker, Settings, Told
from labkit.classroom.broker.planning import Limits
from labkit.classroom.broker.shared import May, Shared
from labkit.classroom.broker.standing import State
from labkit.content import exercises
from labkit.errors import LabError
from labkit.grading.grade import grade
from labkit.lab import find
from labkit.lab.access import Terminal
from labkit.lab.engine.execute import execute
from labkit.lab.engine.wire import Wire, WireError, tls_context
from labkit.lab.lab import client_keys
from labkit.lab.owner import workshop
from labkit.lab.share import MIB, Share
from labkit.seen import signature
from labkit.seen.claims import Claims

ADA = "Ada"
MALLORY = '../../Mallory; touch /tmp/labkit-pwned #$(id)"<b>'
"""A learner whose name is a trick."""

SHARE = Share(node=256 * MIB, other=160 * MIB, cpus=1.0, processes=256)


@pytest.fixture(scope="module")
def room(engine, tmp_path_factory):
    """A broker with both labs, and what it told."""
    root = tmp_path_factory.mktemp("broker")
    key = root / "workshop.key"
    workshop.new(key, "Spring")
    settings = Settings(f"brk{os.getpid()}", root / "broker", key, workers=1, share=SHARE)
    told = []
    with Broker(engine, settings, Told(observed=lambda *one: told.append(one)), beat=0.2, settles=1.0) as broker:
        try:
            with ThreadPoolExecutor() as pool:
                standings = list(pool.map(broker.start, [ADA, MALLORY]))
            assert [one.state for one in standings] == [State.UP, State.UP]
            yield SimpleNamespace(broker=broker, settings=settings, told=told, root=root, engine=engine)
        finally:
            for one in broker.all():
                broker.remove(one.learner)


def lab_of(room, learner=ADA):
    return find.on(room.engine, room.broker._home(naming.lab(room.settings.workshop, learner)))


def on(room, machine, script, learner=ADA):
    """The output of a script that this learner runs on a machine, as root."""
    return execute(room.engine, lab_of(room, learner).parts[machine].id, ["sh", "-c", script])


def points(room, learner, slug="01-login"):
    report = grade([exercises.load(slug)], room.broker.observe(learner)).exercises[0]
    return report.earned, [check.outcome for check in report.checks]


def invited(room, learner):
    folder = room.root / f"guest-{naming.lab('x', learner)}"
    room.broker.access(learner, folder)
    return folder


def as_guest(folder, *words):
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LABKIT")}
    env = {**kept, "PYTHONPATH": str(ROOT), "LABKIT_GUEST": str(folder), "LABKIT_WORK": str(folder / "work")}
    return subprocess.run(
        [sys.executable, "-m", "labkit", *words], env=env, capture_output=True, text=True, timeout=120
    )


def test_what_is_observed_is_signed_and_personal(room):
    seen = room.broker.observe(ADA)
    signature.check(seen.data(), workshop.read(room.settings.key).public)
    other = room.broker.observe(MALLORY)
    assert (seen.lab.person.learner, other.lab.person.learner) == (ADA, MALLORY)
    assert seen.lab.person.username != other.lab.person.username
    assert not {*seen.unobserved, *other.unobserved} - {"runs", "mirror"}


def test_each_machine_has_its_share(room):
    with room.engine.wire() as wire:
        told = {
            part.machine: wire.get(f"/containers/{part.id}/json")["HostConfig"] for part in lab_of(room).parts.values()
        }
    limits = {
        name: [one[key] for key in ("Memory", "MemorySwap", "NanoCpus", "PidsLimit")] for name, one in told.items()
    }
    assert limits["worker1"] == [256 * MIB, 256 * MIB, 10**9, 256]
    assert limits["edge"] == [160 * MIB, 160 * MIB, 10**9, 256]


def test_a_guest_works_through_the_broker_and_the_broker_hears_of_it(room):
    folder = invited(room, ADA)
    room.told.clear()
    assert as_guest(folder, "status", "--json").returncode == 0
    checked = as_guest(folder, "check", "01-login", "--json")
    assert json.loads(checked.stdout)["exercises"][0]["earned"] == 0, checked.stderr
    learner, seen = until(lambda: room.told, "what the guest was told")[0]
    assert learner == ADA
    signature.check(seen.data(), workshop.read(room.settings.key).public)


def test_a_shared_terminal(room):
    asked = []
    session = room.broker.session(ADA, "worker1", ["sh"], Terminal())
    terminal = Shared(session, ADA, lambda *one: asked.append(one))
    with pytest.raises(LabError, match="has not shared"):
        terminal.join("Grace")
    terminal.allow(ADA, "Grace", May.WATCH)
    seat, own = terminal.join("Grace"), terminal.join(ADA)
    with pytest.raises(LabError, match="not type"):
        seat.write(b"id\n")
    own.write(b"echo $((6 * 7))\n")
    heard = b""
    while b"42" not in heard:
        heard += seat.read()
    terminal.close()
    assert asked == [("Grace", May.WATCH)]


def test_labs_keep_the_names_that_they_had_before_and_another_folder_has_other_names(room):
    workshop, root = room.settings.workshop, room.settings.root
    assert overview.names(room.engine, workshop, root) == workshop  # its labs are called so
    elsewhere = overview.names(room.engine, workshop, root.parent / "elsewhere")
    assert elsewhere == naming.of_workshop(workshop, overview.owner(root.parent / "elsewhere")) != workshop


# What one learner tries on the other


@pytest.mark.attack(
    "identity", "a learner's name with paths, quotes and shell commands", "it is a label; nothing else has it"
)
def test_a_learners_name_is_no_path_and_no_command(room):
    name = naming.lab(room.settings.workshop, MALLORY)
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert sorted(path.name for path in (room.settings.root / "labs").iterdir()) == sorted(
        naming.lab(room.settings.workshop, one) for one in (ADA, MALLORY)
    )
    assert not Path("/tmp/labkit-pwned").exists()
    assert all(part.machine and ";" not in part.id for part in lab_of(room, MALLORY).parts.values())


@pytest.mark.attack(
    "identity",
    "a guest's keys at another lab's owner, engines and desk, on the same machine",
    "TLS ends the connection: each lab has an authority of its own",
)
def test_a_guests_keys_open_no_other_lab(room):
    mine, theirs = invited(room, MALLORY), invited(room, ADA)
    keys = tls_context(client_keys(mine))
    keys.check_hostname = False
    doors = [json.loads((theirs / "guest.json").read_text())["owner"]]
    doors += [f"tcp://127.0.0.1:{part.port}" for part in lab_of(room).parts.values()]
    for trusting in (False, True):
        if trusting:  # who attacks does not ask whom it is talking to
            keys.verify_mode = 0
        for door in doors:
            with Wire(door, keys, 5) as wire, pytest.raises(WireError) as refused:
                wire.request("GET", "/info")
            assert refused.value.status == 0, door


@pytest.mark.attack(
    "identity",
    "a guest's access used for what only the classroom asks of the broker: other labs, start, stop, remove, the desk's evidence",
    "there is no such address; the desk and the edge are the owner's",
)
def test_a_guest_reaches_none_of_the_brokers_other_calls(room):
    folder = invited(room, MALLORY)
    owner = json.loads((folder / "guest.json").read_text())["owner"]
    keys = tls_context(client_keys(folder))

    def asked(method, path, body=None):
        with Wire(owner, keys, 10) as wire, pytest.raises(WireError) as refused:
            wire.request(method, path, body)
        return refused.value.status

    for path in (
        "/start",
        "/stop",
        "/remove",
        "/status",
        "/all",
        "/labs",
        f"/lab/{ADA}",
        "/../lab",
        "//lab",
        "/access",
    ):
        assert asked("POST", path, {"learner": ADA}) in (404, 405), path
    assert asked("POST", "/desk", {"method": "POST", "path": "/forget", "body": {}}) == 409
    assert asked("POST", "/observation", {"sections": ["log"], "lab": ADA}) == 409
    assert asked("POST", "/observation", {"sections": ["log"], "said": {"judged": {}}, "learner": ADA}) == 409
    assert "Only the owner" in as_guest(folder, "shell", "edge", "id").stderr
    with Wire(owner, keys) as wire:
        told = wire.get("/lab")
    assert str(room.settings.key) not in json.dumps(told)
    assert str(room.settings.root) not in json.dumps(told)


@pytest.mark.attack(
    "identity",
    "from a node, as root: another lab's engines, registries and desk by their addresses, also with a route to them or by the host",
    "no connection: each lab is a network of its own",
)
def test_a_node_reaches_no_other_labs_addresses(room):
    targets = [
        f"{part.address}:{port}" for part in lab_of(room, ADA).parts.values() for port in (443, 2376, 2377, 5000, 8443)
    ]
    gateway = lab_of(room, MALLORY).parts["worker1"].address.rpartition(".")[0] + ".1"
    targets += [f"{gateway}:{part.port}" for part in lab_of(room, ADA).parts.values()]
    targets += [f"127.0.0.1:{part.port}" for part in lab_of(room, ADA).parts.values()]
    program = textwrap.dedent(f"""
        import socket, subprocess
        from concurrent.futures import ThreadPoolExecutor
        subprocess.run(["ip", "route", "add", "10.203.0.0/16", "via", "{gateway}"], capture_output=True)
        def tries(target):
            host, port = target.rsplit(":", 1)
            try:
                socket.create_connection((host, int(port)), timeout=2).close()
            except OSError:
                return ""
            return target
        with ThreadPoolExecutor(32) as pool:
            print([one for one in pool.map(tries, {targets!r}) if one])
    """)
    assert on(room, "worker1", f"python3 - <<'END'\n{program}\nEND", MALLORY) == "[]"


@pytest.mark.attack(
    "identity",
    "signing in with another learner's account, and pushing to their namespace",
    "there is no such account here",
)
def test_another_learners_account_and_namespace(room):
    theirs = room.broker.observe(ADA).lab.person.username
    mine = room.broker.observe(MALLORY).lab.person.username
    script = (
        f"docker login -u {theirs} -p mypassword; echo $?; docker login -u {mine} -p mypassword >/dev/null 2>&1; echo $?;"
        f"docker tag myapp:latest {theirs}/myapp:v1; docker push {theirs}/myapp:v1; echo $?; docker logout; docker rmi {theirs}/myapp:v1"
    )
    told = on(room, "workstation", script, MALLORY)
    assert "incorrect username or password" in told
    assert "denied" in told
    assert [line for line in told.split() if line in ("0", "1")] == ["1", "0", "1"]
    assert points(room, ADA) == (0, points(room, ADA)[1])


HOG = """
import os, sys, time
held = []
try:
    while True:
        held.append(bytearray(16 << 20))
        for at in range(0, 16 << 20, 4096): held[-1][at] = 1
except MemoryError:
    pass
"""


@pytest.mark.attack(
    "identity",
    "a fork bomb, and a program that takes all memory, on a node of one lab",
    "its share ends them; another lab grades right meanwhile, and this one's edge too",
)
def test_a_hog_in_one_lab_does_not_disturb_another(room):
    user = room.broker.observe(ADA).lab.person.username
    on(room, "workstation", f"docker login -u {user} -p mypassword")
    lab = lab_of(room, MALLORY)
    held = room.broker.session(MALLORY, "worker1", ["sh", "-c", "f() { f | f & }; f; sleep 60"])
    eats = room.broker.session(MALLORY, "workstation", ["python3", "-c", HOG])
    try:
        with room.engine.wire() as wire:
            stats = f"/containers/{lab.parts['worker1'].id}/stats?stream=false&one-shot=1"
            until(lambda: wire.get(stats)["pids_stats"]["current"] >= SHARE.processes // 2, "the fork bomb")
        for _ in range(2):
            seen = room.broker.observe(ADA)
            assert not set(seen.unobserved) - {"runs", "mirror"}
            report = grade([exercises.load("01-login")], seen).exercises[0]
            assert report.earned >= 2, report
        other = room.broker.observe(MALLORY)
        assert other.registries is not None
        while eats.read()[1]:
            pass
        with room.engine.wire() as wire:
            assert wire.get(f"/containers/{lab.parts['workstation'].id}/json")["State"]["Running"]
    finally:
        eats.close()
        with room.engine.wire(60) as wire:
            wire.request("POST", f"/containers/{lab.parts['worker1'].id}/restart?t=0")
        held.close()
    until(lambda: room.broker.status(MALLORY).state is State.UP, "the lab after the hog")
    assert room.broker.start(MALLORY).state is State.UP
    assert not set(room.broker.observe(MALLORY).unobserved) - {"runs", "mirror"}


@pytest.mark.attack(
    "identity",
    "a guest stops the engine of a machine of their own, and sends many requests that then hang",
    "another lab's guest is answered meanwhile: each lab has threads of its own",
)
def test_a_guests_hanging_requests_hold_up_nobody_else(room):
    lab = lab_of(room, MALLORY).parts["worker1"].id
    mine, theirs = invited(room, MALLORY), invited(room, ADA)

    def asked(folder):
        owner = json.loads((folder / "guest.json").read_text())["owner"]
        with Wire(owner, tls_context(client_keys(folder)), 60) as wire:
            return json.loads(wire.request("POST", "/observation", {"sections": ["engines", "registries"]}))

    execute(room.engine, lab, ["busybox", "killall", "-STOP", "dockerd"])
    try:
        with ThreadPoolExecutor() as pool:
            hanging = [pool.submit(asked, mine) for _ in range(6)]
            assert asked(theirs)["unobserved"] == {}
            assert not all(one.done() for one in hanging)
            assert all("engines/worker1" in one.result()["unobserved"] for one in hanging)
    finally:
        execute(room.engine, lab, ["busybox", "killall", "-CONT", "dockerd"])


# Accidents


@pytest.mark.fault(
    "A lab is stopped because its learner is idle",
    "It comes back with images, services and the Swarm; guests keep their address",
)
def test_an_idle_lab_is_stopped_and_comes_back(room):
    person = room.broker.observe(ADA).lab.person
    image = f"{person.username}/myapp:v1"
    on(
        room,
        "workstation",
        f"docker login -u {person.username} -p mypassword && docker tag myapp:latest {image} && docker push -q {image}"
        f" && docker service create -d --name kept --replicas 1 {image}",
    )
    folder = invited(room, ADA)
    address = (folder / "guest.json").read_text()
    assert room.broker.stop(ADA).state is State.STOPPED
    time.sleep(3 * 0.2)  # three beats: nobody repairs what was stopped on purpose
    assert room.broker.status(ADA).state is State.STOPPED
    with pytest.raises(LabError, match="stopped"):
        room.broker.observe(ADA)
    assert room.broker.status(MALLORY).state is State.UP
    assert room.broker.start(ADA).state is State.UP
    invited(room, ADA)
    assert (folder / "guest.json").read_text() == address

    def back():
        seen = room.broker.observe(ADA)
        kept = [one for one in seen.swarm.services.values() if one.name == "kept"] if seen.swarm else []
        return kept and any(task.state == "running" for task in kept[0].tasks) and seen

    seen = until(back, "the service after the lab came back")
    assert person.username in json.dumps(seen.data()["registries"])
    assert set(on(room, "workstation", "docker node ls --format '{{.Status}}'").split()) == {"Ready"}


@pytest.mark.fault("All machines of a lab die at once, as when its engine restarts", "The broker repairs it by itself")
def test_machines_that_died_are_brought_back(room):
    with room.engine.wire(60) as wire:
        for part in lab_of(room).parts.values():
            wire.request("POST", f"/containers/{part.id}/kill")
    until(lambda: room.broker.status(ADA).state in (State.BROKEN, State.STARTING), "the broker's noticing")
    until(lambda: room.broker.status(ADA).state is State.UP, "the repaired lab", 120)
    assert not set(room.broker.observe(ADA).unobserved) - {"runs", "mirror"}


@pytest.mark.fault("A lab is removed by hand", "It is told; other labs go on; the next start makes it anew")
def test_a_lab_that_was_removed_by_hand(room):
    folder = invited(room, ADA)
    removals = [["docker", "-H", room.engine.url, "rm", "-fv", part.id] for part in lab_of(room).parts.values()]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda words: subprocess.run(words, check=True, capture_output=True), removals))
    assert room.broker.status(ADA).state is State.ABSENT
    with pytest.raises(LabError, match="has no lab"):
        room.broker.observe(ADA)
    assert "not running" in as_guest(folder, "status").stderr
    assert room.broker.status(MALLORY).state is State.UP
    assert room.broker.start(ADA).state is State.UP
    invited(room, ADA)
    assert as_guest(folder, "status").returncode == 0


STARTS = """
import sys
from pathlib import Path
from labkit.classroom.broker.broker import Broker, Settings
from labkit.lab.engine.engines import Engine
from labkit.lab.share import Share
url, name, root, key, learner = sys.argv[1:]
with Broker(Engine(url), Settings(name, Path(root), Path(key), workers=1)) as broker:
    print("open", flush=True)
    broker.start(learner)
    print("up", flush=True)
"""


@pytest.mark.fault(
    "The broker is killed in the middle of a start",
    "The next one finds the lab by its labels, completes it, and the others go on",
)
def test_a_broker_that_was_killed_in_the_middle_of_a_start(room, tmp_path):
    name = f"kil{os.getpid()}"
    command = [
        sys.executable,
        "-c",
        STARTS,
        room.engine.url,
        name,
        str(tmp_path / "broker"),
        str(room.settings.key),
        "Eve",
    ]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)
    lab = naming.lab(name, "Eve")
    settings = Settings(name, tmp_path / "broker", room.settings.key, workers=1)
    try:
        until(lambda: find.containers(room.engine, lab), "the first container")
        with pytest.raises(LabError, match="Another broker"), Broker(room.engine, settings):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        with Broker(room.engine, replace(settings, idle=2.0), beat=0.2, settles=0.0) as broker:
            assert [one.learner for one in broker.all()] == ["Eve"]
            until(lambda: broker.status("Eve").state is State.UP, "the completed lab", 120)
            assert broker.observe("Eve").lab.person.learner == "Eve"
            broker.access("Eve", tmp_path / "guest")
            said = Claims(answers={"01-login": {"reflection": "mine"}})
            broker._observed(lab, broker.observe("Eve", said=said))  # as her side would look
            until(
                lambda: broker.status("Eve").state is State.STOPPED, "the stop of a lab where nobody does anything", 120
            )
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        with Broker(room.engine, replace(settings, workshop="another")) as broker:
            assert broker.all() == ()  # and it leaves the lab of the other workshop alone
        with Broker(room.engine, settings) as broker:
            last = broker.status("Eve").state
            kept = broker._of("Eve").said.answers
            broker.remove("Eve")
    assert last is State.STOPPED  # as the one before has noted
    assert kept == said.answers
    assert not find.containers(room.engine, lab)
    assert room.broker.status(MALLORY).state is State.UP


def test_labs_that_run_get_the_machines_of_an_exercise_that_is_added(room):
    (slug,) = (each.slug for each in exercises.every() if each.extras == ("depot",))
    held = room.broker.session(ADA, "workstation", ["cat"])
    room.broker.teach(["01-login", slug])
    for learner in (ADA, MALLORY):
        until(
            lambda learner=learner: room.broker.status(learner).machines.get("depot") == "running",
            "the new machine",
            60,
        )
    until(lambda: not any(one.doing for one in room.broker.all()), "the end of it")
    assert [(one.state, one.problem) for one in room.broker.all()] == [(State.UP, "")] * 2
    assert room.broker.observe(ADA).depot is not None
    held.write(b"still here")
    assert held.read()[1] == b"still here"  # nothing else was touched
    held.close()
    room.broker.teach(["01-login"])
    with pytest.raises(LabError, match="no-such"):
        room.broker.teach(["no-such"])


@pytest.mark.fault(
    "A learner fills the disk of the labs' server",
    "Their lab is stopped and says why; nobody else's is; it begins anew with a reset; no new lab starts while there is no space",
)
def test_a_learner_who_fills_the_disk_is_stopped_and_nobody_else(room, monkeypatch):
    broker, watch = room.broker, room.broker._disk
    held = disk.used(room.engine, broker.owner)
    share = max(held.values()) + 100 * MIB
    room.told.clear()
    # The disk is short from now on: whatever else happens on this machine meanwhile.
    monkeypatch.setattr(watch, "_limits", Limits(floor=1 << 60, share=share))
    with pytest.raises(LabError, match="nearly full"):
        broker.start("Grace")
    assert [broker.status(one).state for one in (ADA, MALLORY)] == [State.UP, State.UP]
    # In the machine's volume, as an image would be, and beside it.
    on(room, "worker1", "for file in /var/lib/docker/big /big; do fallocate -l 128M $file; done", MALLORY)
    until(lambda: broker.status(MALLORY).state is State.STOPPED, "the end of who fills the disk", 60)
    assert "server's disk" in broker.status(MALLORY).problem
    assert "reset all of it" in broker.status(MALLORY).problem
    noted = (lab_of(room, MALLORY).home.state / STOPPED).read_text()  # for the next broker
    assert noted.splitlines()[1].startswith("The lab was stopped: it took")
    assert MALLORY in [learner for learner, _ in until(lambda: room.told, "what was seen last")]
    assert broker.status(ADA).state is State.UP
    with pytest.raises(LabError, match="The lab was stopped"):
        broker.start(MALLORY)
    monkeypatch.setattr(watch, "_limits", Limits(floor=1, share=share))
    broker.reset(MALLORY)
    assert (broker.status(MALLORY).state, broker.status(MALLORY).problem) == (State.UP, "")
    assert disk.used(room.engine, broker.owner)[lab_of(room, MALLORY).plan.name] < share


def test_a_lab_whose_time_is_over_is_observed_once_more_and_removed(room):
    room.broker.start(ADA)  # a second try finds none
    room.told.clear()
    room.broker.extend(ADA, 1)
    until(lambda: room.broker.status(ADA).state is State.ABSENT, "the end of the lab")
    # The broker looks at the other lab, which runs, in its own time.
    last = until(lambda: [seen for learner, seen in room.told if learner == ADA], "what was seen last")
    signature.check(last[-1].data(), workshop.read(room.settings.key).public)
    assert not (room.settings.root / "labs" / naming.lab(room.settings.workshop, ADA)).exists()
    assert room.broker.status(MALLORY).state is State.UP
