"""up and down, whatever happens in between: killed, twice at once, a machine gone, the engine restarted."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest
from helpers import ROOT, labkit, labkit_json, shell, until

from labkit.content import exercises
from labkit.grading.grade import grade
from labkit.lab import contexts, environment, find, limit
from labkit.lab.engine.wire import WireError
from labkit.lab.lifecycle import keeper, machines, provision, remove
from labkit.lab.looking.observe import observe
from labkit.lab.plan import Plan
from labkit.paths import ENDED, Home
from labkit.seen.lab import SeenLab
from labkit.seen.reference import Reference

UP = ("up", "--detach", "--no-jupyter")


def parts(engine, name):
    """Everything that carries the label of a lab, by kind."""
    from urllib.parse import quote

    filters = quote(json.dumps({"label": [f"io.registry-lab={name}"]}))
    with engine.wire() as wire:
        return {
            "containers": wire.get(f"/containers/json?all=1&filters={filters}"),
            "networks": wire.get(f"/networks?filters={filters}"),
            "volumes": wire.get(f"/volumes?filters={filters}")["Volumes"] or [],
        }


def processes_of(env):
    """Processes that were started for this lab: its keeper, JupyterLab, kernels."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("LABKIT_LAB") == env["LABKIT_LAB"]:
                found.append(process)
        except psutil.Error:
            continue
    return found


def assert_nothing_left(engine, env):
    assert parts(engine, env["LABKIT_LAB"]) == {"containers": [], "networks": [], "volumes": []}
    assert not Home.of({**os.environ, **env}).used
    until(lambda: not processes_of(env), "the end of every process of the lab", 10)


@pytest.fixture
def other(engine, running_lab, tmp_path):
    """The environment of a second lab, beside the shared one; removed afterwards, whatever became of it."""
    env = {
        "LABKIT_LAB": f"{os.environ['LABKIT_LAB']}-other",
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "LABKIT_WORK": str(tmp_path / "work"),
        "LABKIT_ENGINE": engine.url,
    }
    yield env
    labkit("down", env=env, check=0)
    assert_nothing_left(engine, env)


def test_up_check_down_leave_nothing_and_keep_the_work(engine, other):
    up = labkit(*UP, env=other, check=0)
    assert "The lab is up: workstation, worker1, worker2" in up.stdout
    assert len(parts(engine, other["LABKIT_LAB"])["containers"]) == 4
    labkit("solve", "02-tag", env=other, check=0)
    labkit("check", "02-tag", env=other, check=0)
    notebook = Path(other["LABKIT_WORK"], "02-tag.ipynb")
    notebook.write_text("mine")
    labkit("down", env=other, check=0)
    assert_nothing_left(engine, other)
    assert "There was no lab." in labkit("down", env=other, check=0).stdout
    labkit(*UP, env=other, check=0)
    assert notebook.read_text() == "mine"
    assert '"kind": "attempt"' in Path(other["LABKIT_WORK"], ".labkit/attempts.jsonl").read_text()


@pytest.mark.fault("Two `up` run at once", "There is one lab, and both succeed")
def test_two_ups_at_once_make_one_lab(engine, other):
    command = [sys.executable, "-m", "labkit", *UP]
    both = [
        subprocess.Popen(
            command, env={**os.environ, **other}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    outputs = [one.communicate(timeout=120) for one in both]
    assert [one.returncode for one in both] == [0, 0], outputs
    assert any("another labkit that is starting or ending this lab" in error for _, error in outputs)
    assert len(parts(engine, other["LABKIT_LAB"])["containers"]) == 4


@pytest.mark.fault("`up` is killed after 0.4, 0.8, 1.2, 1.7 or 2.3 s", "The next `up` creates a complete lab")
@pytest.mark.parametrize("moment", [0.4, 0.8, 1.2, 1.7, 2.3])
def test_up_killed_at_any_moment_then_up_recovers(engine, other, moment):
    process = subprocess.Popen(
        [sys.executable, "-m", "labkit", *UP],
        env={**os.environ, **other},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    # The one place where a moment and not a state is wanted: the kill must come in the middle of something.
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    labkit(*UP, env=other, check=0)
    state = labkit_json("status", "--json", env=other, check=0)
    assert state["state"] == "up"
    labkit("solve", "05-deploy", env=other, check=0)


@pytest.mark.fault("`up` is killed, then `down`", "Nothing is left")
def test_up_killed_then_down_leaves_nothing(engine, other):
    process = subprocess.Popen(
        [sys.executable, "-m", "labkit", *UP],
        env={**os.environ, **other},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: parts(engine, other["LABKIT_LAB"])["containers"], "the first container")
    process.send_signal(signal.SIGKILL)
    process.wait()
    labkit("down", env=other, check=0)
    assert_nothing_left(engine, other)


@pytest.mark.fault(
    "A node is killed while a task runs on it", "`status` names it; `up` repairs it, and the service runs"
)
def test_a_killed_machine_is_told_and_repaired(engine, other):
    labkit(*UP, env=other, check=0)
    labkit("solve", "05-deploy", env=other, check=0)
    victim = f"{other['LABKIT_LAB']}-worker1"
    with engine.wire() as wire:
        wire.request("POST", f"/containers/{victim}/kill")
    status = labkit("status", env=other, check=2)
    assert "worker1      exited" in status.stdout
    assert "labkit up   (it repairs the lab)" in status.stdout
    refused = labkit("shell", "worker1", env=other, check=2)
    assert "The lab's machine worker1 is not running (it is exited)." in refused.stderr
    labkit(*UP, env=other, check=0)
    labkit("check", "05-deploy", "--wait", "60s", env=other, check=0)


@pytest.mark.fault(
    "The edge is killed after a push",
    "It is reported as the lab's error, and no points are lost; after `up` everything that was pushed is there",
)
def test_a_killed_edge_is_an_error_of_the_lab_and_loses_nothing(engine, other):
    labkit(*UP, env=other, check=0)
    labkit("solve", "03-push", env=other, check=0)
    with engine.wire() as wire:
        wire.request("POST", f"/containers/{other['LABKIT_LAB']}-edge/kill")
    broken = labkit("check", "03-push", env=other, check=2)
    assert "The lab could not be checked" in broken.stdout
    assert "labkit up" in broken.stdout
    labkit(*UP, env=other, check=0)
    labkit("check", "01-login", "02-tag", "03-push", env=other, check=0)


def inside_edge(engine, env, script):
    """Runs a script in the edge's container, where nobody of the lab gets. Returns what it printed."""
    return machines.execute(engine, f"{env['LABKIT_LAB']}-edge", ["sh", "-c", script])


KILL_STORE = "pkill -KILL -x docker-registry"


@pytest.mark.fault("The store is killed", "A push at that moment waits and succeeds; nothing is lost")
def test_a_killed_store_is_started_again_and_loses_nothing(engine, running_lab, lab):
    labkit("solve", "03-push", check=0)
    env = {"LABKIT_LAB": lab.name}
    before = inside_edge(engine, env, f"pgrep -x docker-registry; {KILL_STORE}")
    # At once: what comes while it starts again waits for it.
    pushed = shell(lab, "docker tag myapp myusername/more:v1; docker push myusername/more:v1")
    assert pushed.returncode == 0, pushed.stderr
    assert inside_edge(engine, env, "pgrep -x docker-registry") != before
    assert labkit_json("status", "--json", check=0)["state"] == "up"
    labkit("check", "01-login", "02-tag", "03-push", check=0)
    pulled = shell(
        lab,
        "docker --context worker1 pull -q myusername/myapp:v1.0.0 && docker --context worker2 pull -q myusername/more:v1",
    )
    assert pulled.returncode == 0, pulled.stderr


@pytest.mark.fault("The store is killed during a push of 80 MB", "The push succeeds and the image can be pulled")
def test_a_store_that_is_killed_in_the_middle_of_a_push(engine, running_lab, lab):
    signed_in = shell(lab, "docker login -u myusername -p mypassword")
    assert signed_in.returncode == 0, signed_in.stderr
    layers = "FROM busybox\n" + "RUN head -c 20000000 /dev/urandom > /$RANDOM\n" * 4
    built = shell(lab, f"printf '{layers}' | docker build -q -t myusername/large:v1 -")
    assert built.returncode == 0, built.stderr
    env = {"LABKIT_LAB": lab.name}
    with ThreadPoolExecutor(1) as pool:
        pushing = pool.submit(shell, lab, "docker push myusername/large:v1")
        until(
            lambda: inside_edge(
                engine,
                env,
                "ls /var/lib/registry/docker/registry/v2/repositories/hub/myusername/large/_uploads 2>/dev/null || true",
            ),
            "the push's first bytes",
        )
        inside_edge(engine, env, KILL_STORE)
        pushed = pushing.result()
    assert pushed.returncode == 0, pushed.stdout + pushed.stderr
    pulled = shell(lab, "docker --context worker1 pull -q myusername/large:v1")
    assert pulled.returncode == 0, pulled.stderr


@pytest.mark.fault("The store can no longer start", "`up` shows its last words within 30 s; `down` and `up` fix it")
def test_a_store_that_cannot_start_is_told_with_its_last_words(engine, other):
    labkit(*UP, "--workers", "1", env=other, check=0)
    inside_edge(engine, other, f"rm -r /run/store; {KILL_STORE}")

    def edge():
        return labkit_json("status", "--json", env=other, check=2)["machines"]["edge"]["state"]

    until(lambda: edge() == "exited", "the edge gives it up")
    began = time.monotonic()
    told = labkit(*UP, env=other, check=2).stderr
    assert time.monotonic() - began < 30
    assert "The machine edge stopped with exit code 1" in told
    assert "listen unix /run/store/store.sock: bind: no such file or directory" in told
    assert "The store does not run: docker-registry ended with exit code 1, 5 times in a row." in told
    labkit("down", env=other, check=0)
    labkit(*UP, "--workers", "1", env=other, check=0)


@pytest.mark.fault(
    "The store runs, but its folder is damaged", "`status` and `up` show its answer; once fixed, it has what it had"
)
def test_a_store_whose_folder_is_damaged_is_told(engine, other):
    """It runs, and cannot work: the container alone tells nothing of that."""
    labkit(*UP, "--workers", "1", env=other, check=0)
    repositories = "/var/lib/registry/docker/registry/v2/repositories"
    inside_edge(engine, other, f"mv {repositories} /var/lib/registry/kept; echo > {repositories}")
    status = labkit("status", env=other, check=2).stdout
    assert "✗ edge         running" in status and "The store answers with 500" in status
    began = time.monotonic()
    told = labkit(*UP, env=other, check=2).stderr
    assert time.monotonic() - began < 30
    assert "The machine edge does not work: The store answers with 500" in told
    inside_edge(engine, other, f"rm {repositories}; mv /var/lib/registry/kept {repositories}")
    labkit(*UP, env=other, check=0)
    assert labkit_json("status", "--json", env=other, check=0)["registries"]["hub"]["library/busybox"]


def test_the_store_ends_with_the_edge_when_it_is_asked_to(engine, other):
    labkit(*UP, "--workers", "1", env=other, check=0)
    with engine.wire(timeout=60) as wire:
        wire.request("POST", f"/containers/{other['LABKIT_LAB']}-edge/stop?t=30")
        state = wire.get(f"/containers/{other['LABKIT_LAB']}-edge/json")["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", 0)  # 137 where the engine had to kill it
    labkit(*UP, env=other, check=0)


@pytest.mark.fault("A node is removed by hand", "`status` names it; `up` creates it again, and it joins the Swarm")
def test_a_removed_machine_is_made_again(engine, other):
    labkit(*UP, env=other, check=0)
    with engine.wire() as wire:
        wire.request("DELETE", f"/containers/{other['LABKIT_LAB']}-worker2?force=1&v=1")
    assert "✗ worker2      missing" in labkit("status", env=other, check=2).stdout
    broken = labkit_json("status", "--json", env=other, check=2)
    assert (broken["state"], broken["missing"]) == ("broken", ["worker2"])
    labkit(*UP, env=other, check=0)
    whole = labkit_json("status", "--json", env=other, check=0)
    assert (whole["state"], whole["missing"]) == ("up", [])
    assert whole["machines"]["worker2"]["state"] == "running"
    labkit("solve", "05-deploy", env=other, check=0)


@contextlib.contextmanager
def held(engine, container):
    """While in here the engine cannot remove the container's file system, as when somebody looks into it at that moment."""
    with engine.wire() as wire:
        place = Path(wire.get(f"/containers/{container}/json")["GraphDriver"]["Data"]["UpperDir"])
    file = place / "held"
    try:
        file.touch()
        subprocess.run(["chattr", "+i", str(file)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"the engine's files are not ours to hold: {error}")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", str(file)], check=True)


@pytest.mark.fault("The engine fails to remove a container at first", "`up` and `down` try again; nothing is left")
def test_a_removal_that_the_engine_cannot_do_yet(engine, other):
    labkit(*UP, env=other, check=0)
    worker2 = f"{other['LABKIT_LAB']}-worker2"

    def removing():
        return [one for one in parts(engine, other["LABKIT_LAB"])["containers"] if one["State"] in ("removing", "dead")]

    with held(engine, worker2), engine.wire(timeout=60) as wire, pytest.raises(WireError, match="failed to remove"):
        wire.request("DELETE", f"/containers/{worker2}?force=1")
    assert removing()
    labkit(*UP, env=other, check=0)  # it could only be started anew
    assert labkit_json("status", "--json", env=other, check=0)["missing"] == []

    with held(engine, worker2):
        down = subprocess.Popen([sys.executable, "-m", "labkit", "down"], env={**os.environ, **other}, cwd=ROOT)
        until(removing, "the first try")
    assert down.wait(60) == 0
    assert_nothing_left(engine, other)


@pytest.mark.fault("Nodes leave the Swarm, including the manager", "`check` says so; `up` creates it again")
def test_a_swarm_that_was_left_is_made_again(running_lab, lab):
    for machine in ("worker1", "workstation"):
        shell(lab, f"docker --context {machine} swarm leave --force")
    assert "no longer a Swarm manager" in labkit("check", "05-deploy", check=1).stdout
    labkit(*UP, check=0)
    labkit("solve", "05-deploy", check=0)


@pytest.mark.fault(
    "the time limit ends the lab while a shell still has its environment", "docker reaches nothing, and says so"
)
def test_the_time_limit_ends_the_lab(engine, other):
    labkit(*UP, "--time-limit", "6s", env=other, check=0)
    until(lambda: not parts(engine, other["LABKIT_LAB"])["containers"], "the end of the lab's time", 60)
    until(lambda: not Home.of({**os.environ, **other}).used, "the end of the lab's files", 30)
    assert_nothing_left(engine, other)
    shell_of_it = {**os.environ, "DOCKER_CONFIG": str(contexts.folder(Home.of({**os.environ, **other}).state))}
    typed = subprocess.run(["docker", "ps"], env=shell_of_it, capture_output=True, text=True)
    assert typed.returncode != 0
    assert contexts.DOWN in typed.stderr
    assert "The lab's time ended at" in labkit("status", env=other, check=1).stdout
    assert "The lab's time ended at" in labkit("check", "01-login", env=other, check=2).stderr
    assert "There was no lab." in labkit("down", env=other, check=0).stdout
    assert "The lab is not running." in labkit("status", env=other, check=1).stdout


def test_the_time_limit_is_set_anew_on_a_lab_that_is_up(engine, other):
    """`up` without one leaves it as it is; a longer one counts though the keeper knew the other; a shorter one too."""

    def ends():
        return datetime.fromisoformat(labkit_json("status", "--json", env=other, check=0)["ends"]).timestamp()

    few = (*UP, "--workers", "1")
    assert "The lab ends by itself at" in labkit(*few, "--time-limit", "25s", env=other, check=0).stdout
    first = ends()
    labkit(*few, env=other, check=0)
    assert ends() == first
    labkit(*few, "--time-limit", "1h", env=other, check=0)
    assert 3500 < ends() - time.time() <= 3600
    until(lambda: time.time() > first + 1, "the first time limit", 60)
    assert labkit_json("status", "--json", env=other, check=0)["state"] == "up"
    assert len([one for one in processes_of(other) if "keeper" in " ".join(one.cmdline())]) == 1
    labkit(*few, "--time-limit", "2s", env=other, check=0)
    until(lambda: not Home.of({**os.environ, **other}).used, "the end of the lab's time", 60)
    assert_nothing_left(engine, other)


def test_a_folder_that_was_used_before_follows_the_learner(engine, other):
    few, work = (*UP, "--workers", "1"), Path(other["LABKIT_WORK"])
    labkit(*few, env=other, check=0)
    (work / "02-tag.ipynb").write_text("changed")
    labkit("down", env=other, check=0)
    told = labkit(*few, "--learner", "Ada", env=other, check=0).stdout
    assert re.search(r"^Updated, as you had not changed them: 00-start\.ipynb, .*03-push\.ipynb", told, re.M)
    assert "02-tag.ipynb is new, with your values. The one that was there is now 02-tag.myusername.ipynb." in told
    user = find.on(engine, Home.of({**os.environ, **other})).person.username
    assert f"docker login -u {user}" in (work / "01-login.ipynb").read_text()
    assert (work / "02-tag.myusername.ipynb").read_text() == "changed"


def test_a_keeper_leaves_a_lab_that_got_more_time(running_lab):
    """It looks again under the lock: an `up` may have given it more time since."""
    assert keeper._end(running_lab.engine, running_lab.home, running_lab.plan.start) is False
    assert find.current().missing == []
    assert limit.ended(running_lab.home) == 0


def test_in_the_foreground_without_jupyterlab_it_ends_with_the_labs_time(engine, other):
    told = labkit("up", "--no-jupyter", "--workers", "1", "--time-limit", "5s", env=other, check=0)
    assert "The lab ends by itself at" in told.stdout
    assert "This lab ended earlier." in told.stdout


def test_jupyterlab_outlives_the_labs_time(engine, other):
    labkit("up", "--detach", "--workers", "1", "--time-limit", "5s", env=other, check=0)
    here = Home.of({**os.environ, **other})
    until((here.state / ENDED).exists, "the end of the lab's time", 60)
    assert parts(engine, other["LABKIT_LAB"]) == {"containers": [], "networks": [], "volumes": []}
    told = labkit("jupyter", env=other)
    assert told.returncode == 2 and "The lab's time ended at" in told.stderr
    record = next((here.state / "jupyter").glob("jpserver-*.json"))
    server = json.loads(record.read_text())
    assert psutil.pid_exists(server["pid"])
    with urlopen(f"{server['url']}api?token={server['token']}", timeout=10) as answer:
        assert answer.status == 200
    labkit(*UP, "--workers", "1", env=other, check=0)
    assert labkit_json("status", "--json", env=other, check=0)["jupyter"].startswith(server["url"]), "the same goes on"


@pytest.mark.fault("The keeper is killed and the lab's time ends", "`check` says so; `up` starts a new lab")
def test_an_expired_lab_says_so_and_up_starts_anew(engine, other):
    labkit(*UP, "--time-limit", "3s", env=other, check=0)
    keepers = Path(other["XDG_STATE_HOME"], "registry-lab", other["LABKIT_LAB"], "keeper.pid")
    psutil.Process(int(keepers.read_text())).kill()
    ends = time.time() + 3
    until(lambda: time.time() > ends, "the lab's deadline")
    told = labkit("check", "01-login", env=other, check=2)
    assert "The lab's time ended at" in told.stderr
    assert "labkit down && labkit up" in told.stderr
    assert "removing the lab's machines" in labkit(*UP, env=other, check=0).stderr
    assert labkit_json("status", "--json", env=other, check=0)["state"] == "up"


def test_in_the_foreground_ctrl_c_ends_all_of_it(engine, other):
    process = subprocess.Popen(
        [sys.executable, "-m", "labkit", "up", "--workers", "1"],
        env={**os.environ, **other},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    lines = []
    while not lines or "Ctrl-C" not in lines[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1], process.stderr.read()
    url = next(line.split()[1] for line in lines if line.startswith("JupyterLab:"))
    told = labkit_json("status", "--json", env=other, check=0)["jupyter"]
    assert url == told.replace("/lab?", "/lab/tree/00-start.ipynb?")  # the same server, at the start page
    with urlopen(told.replace("/lab?", "/api/status?")) as answer:
        assert answer.status == 200
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert_nothing_left(engine, other)


def test_a_part_beyond_the_standard_lab(engine, other):
    """`up --with registry`, also where the lab is up: a plain registry of the learner's own, whose content outlives a crash."""
    assert "did you mean registry?" in labkit(*UP, "--with", "regstry", env=other, check=2).stderr
    labkit(*UP, "--workers", "1", env=other, check=0)
    assert "my-registry" not in labkit_json("status", "--json", env=other, check=0)["machines"]
    labkit(*UP, "--with", "registry", env=other, check=0)
    lab = find.current(Home.of({**os.environ, **other}))
    assert len(parts(engine, lab.name)["containers"]) == 4 + 1
    copy = (
        "skopeo copy -q --dest-tls-verify=false docker-archive:/lab/myapp.tar docker://my-registry:5000/team/myapp:v1"
    )
    machines.execute(engine, lab.parts["worker1"].id, ["sh", "-c", copy])
    with lab.wire("my-registry") as wire:
        assert wire.get("/v2/_catalog") == {"repositories": ["team/myapp"]}
    seen = SeenLab(observe(lab, ["registries"]))
    held = seen.registry_of(Reference.parse("my-registry:5000/team/myapp:v1"))
    assert held.title == "my-registry:5000"
    assert held.fingerprints(held.digest(Reference.parse("my-registry:5000/team/myapp:v1"))) == {seen.sample}

    with engine.wire() as wire:
        wire.request("POST", f"/containers/{lab.name}-my-registry/kill")
    assert labkit_json("status", "--json", env=other, check=2)["missing"] == ["my-registry"]
    labkit(*UP, env=other, check=0)  # it is part of the lab now
    with find.current(lab.home).wire("my-registry") as wire:
        assert wire.get("/v2/team/myapp/tags/list")["tags"] == ["v1"]


def test_an_exercise_gets_what_it_needs_beyond_the_standard_lab(engine, other, tmp_path):
    course = tmp_path / "course"
    for folder in ("exercises", "solutions", "notebooks"):
        shutil.copytree(ROOT / folder, course / folder)
    env = {**other, "LABKIT_COURSE": str(course)}
    labkit("new", "07-example", env=env, check=0)
    settings = course / "exercises" / "07-example" / "exercise.toml"
    settings.write_text('lab = ["registry"]\n' + settings.read_text())
    labkit(*UP, "--workers", "1", env=env, check=0)
    assert len(parts(engine, other["LABKIT_LAB"])["containers"]) == 3
    labkit("solve", "07-example", env=env, check=0)
    state = labkit_json("status", "--json", env=env, check=0)
    assert state["machines"]["my-registry"]["state"] == "running"


def test_two_labs_in_one_process(engine, running_lab, tmp_path):
    """Nothing of one is seen in the other: sign-ins, keys, parts, and the end."""
    homes = {
        who: replace(
            Home.of(os.environ), name=f"{os.environ['LABKIT_LAB']}-{who}", state=tmp_path / who, engine=engine.url
        )
        for who in ("ada", "bob")
    }
    plans = {who: Plan(home.name, tmp_path / f"{who}-work", 1, learner=who) for who, home in homes.items()}
    try:
        with ThreadPoolExecutor(2) as pool:
            made = {who: pool.submit(provision.up, engine, homes[who], plans[who], print) for who in homes}
        ada, bob = (made[who].result() for who in ("ada", "bob"))
        # What `up` tells is what is found.
        assert (find.current(homes["ada"]), find.current(homes["bob"])) == (ada, bob)
        for lab in (ada, bob):
            login = ["docker", "login", "-u", lab.person.username, "-p", "mypassword"]
            first = [exercises.load("01-login")]
            assert grade(first, observe(lab)).exercises[0].earned == 0
            subprocess.run(login, env=environment.process(lab), check=True, capture_output=True)
            assert grade(first, observe(lab)).exercises[0].done
        contexts.sign_out(ada.folder)
        assert contexts.config(ada.folder)["auths"] == contexts.EMPTY["auths"]
        assert contexts.config(bob.folder)["auths"].keys() > contexts.EMPTY["auths"].keys()
        with pytest.raises(WireError):  # the keys of one open nothing of the other
            replace(bob, home=replace(bob.home, state=ada.folder)).wire("workstation").get("/info")
        grown = provision.start_extra(ada, "registry", print)
        assert [find.current(lab.home).missing for lab in (ada, bob)] == [[], []]
        assert "my-registry" in grown.parts
        assert "my-registry" not in find.current(homes["bob"]).parts

        assert remove.everything(homes["ada"], print)
        assert parts(engine, ada.name) == {"containers": [], "networks": [], "volumes": []}
        assert find.any_engine(homes["ada"]) is None
        assert find.current(homes["bob"]).missing == []
        assert observe(bob).lab.person == bob.person
    finally:
        for home in homes.values():
            remove.everything(home, print)
