"""The whole lesson as a guest: a user of this machine who cannot open the engine's socket, with a home of their own."""

import fcntl
import json
import os
import pwd
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import everybody
import psutil
import pytest
from helpers import FIVE, GUIDED, ROOT, labkit, labkit_json, until

from labkit import paths
from labkit.lab.access import STDERR, STDOUT
from labkit.lab.engine.engines import Engine
from labkit.lab.lifecycle import keeper
from labkit.lab.owner.session import EngineSession

NAME = f"labguest{os.getpid()}"

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("useradd"), reason="only root can make a user for the test, with useradd"
)


class User:
    """A user of this machine, as whom commands are run."""

    def __init__(self, place: Path) -> None:
        self.home = place / "home"
        subprocess.run(["useradd", "--create-home", "--home-dir", str(self.home), NAME], check=True)
        self.folder = self.home / "lab"
        self.python, self.env, self.course = everybody.python(place)
        if self.python is None:
            pytest.skip(f"{NAME} cannot run this Python, also where it is copied")
        self.env |= {
            "HOME": str(self.home),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "LABKIT_GUEST": str(self.folder),
            "LABKIT_COURSE": str(self.course),
        }

    def options(self, **more):
        return {"user": NAME, "group": NAME, "extra_groups": [], "cwd": self.home, "env": self.env, **more}

    def run(self, command, **more):
        given = {"capture_output": True, "text": True, "timeout": 180, **more}
        return subprocess.run(
            command, **self.options(**({} if "input" in given else {"stdin": subprocess.DEVNULL}), **given)
        )

    def labkit(self, *words, check=None, **more):
        result = self.run([self.python, "-W", "error", "-m", "labkit", *words], **more)
        assert "Traceback" not in result.stderr, result.stderr
        if check is not None:
            assert result.returncode == check, result.stdout + result.stderr
        return result

    def shell(self, script, check=0):
        """Lines typed after `eval "$(labkit env)"`."""
        start = f'eval "$({self.python} -m labkit env)"\n'
        result = self.run(["bash", "-c", start + script])
        assert result.returncode == check, result.stdout + result.stderr
        return result

    def points(self, *names):
        told = json.loads(self.labkit("check", *names, "--json").stdout)["exercises"]
        return sum(one["earned"] for one in told), sum(one["points"] for one in told)

    def start(self, code, **more):
        return subprocess.Popen(
            [self.python, "-u", "-c", code], **self.options(stdout=subprocess.PIPE, text=True, **more)
        )

    def remove(self) -> None:
        number = pwd.getpwnam(NAME).pw_uid
        for process in psutil.process_iter(["uids"]):
            if process.info["uids"] and process.info["uids"].real == number:
                process.kill()
        until(
            lambda: not [p for p in psutil.process_iter(["uids"]) if p.info["uids"] and p.info["uids"].real == number],
            "the end of the user's processes",
        )
        subprocess.run(["userdel", NAME], check=True)


@pytest.fixture(scope="module")
def user():
    with everybody.place("labkit-guest-") as place:
        made = User(place)
        yield made
        made.remove()


@pytest.fixture(scope="module")
def _service():
    yield
    keeper.stop(paths.home())
    (paths.home().state / keeper.GUESTS).unlink(missing_ok=True)


@pytest.fixture
def guest(lab, user, _service):
    """The user, invited to the lab; a guest of before has left no work."""
    for folder in (user.folder, user.home / "registry-lab"):
        shutil.rmtree(folder, ignore_errors=True)
    told = labkit("invite", str(user.folder), "--user", NAME, check=0).stdout
    assert f"export LABKIT_GUEST={user.folder}" in told
    return user


def test_a_guest_cannot_open_the_engines_socket(lab, guest):
    socket = lab.engine.url.removeprefix("unix://")
    code = f"import socket; socket.socket(socket.AF_UNIX).connect({socket!r})"
    assert "PermissionError" in guest.run([guest.python, "-c", code]).stderr
    assert "permission denied" in guest.run(["docker", "-H", lab.engine.url, "ps"]).stderr


def test_the_access_is_the_guests_and_nobody_elses(guest):
    number = pwd.getpwnam(NAME).pw_uid
    assert all(path.lstat().st_uid == number for path in (guest.folder, *guest.folder.rglob("*")))
    assert guest.folder.stat().st_mode & 0o777 == 0o700
    before = (guest.folder / "guest.json").read_text()
    guest.shell("docker login -u myusername -p mypassword")
    labkit("invite", str(guest.folder), "--user", NAME, check=0)
    assert (guest.folder / "guest.json").read_text() == before
    assert "index.docker.io" in (guest.folder / "docker" / "config.json").read_text()  # sign-ins stay
    refused = labkit("invite", str(guest.home), "--user", NAME, check=2)
    assert "already contains other files" in refused.stderr


def test_the_lesson(lab, guest):
    """From the wrong push to the practice, and back."""
    guest.shell("docker login -u myusername -p mypassword && docker tag myapp:latest colleague/myapp:v1.0.0")
    assert "denied" in guest.shell("docker push colleague/myapp:v1.0.0", check=1).stderr
    wrong = json.loads(guest.labkit("check", "03-push", "--json", check=1).stdout)["exercises"][0]
    assert next(one["diagnosis"] for one in wrong["checks"] if one["diagnosis"]) == "push-other-namespace"
    assert "Hint 1 of 3" in guest.labkit("hint", "03-push", check=0).stdout
    assert "colleague" in guest.labkit("explain", "denied: requested access to the resource is denied", check=0).stdout

    guest.labkit("reset", "03-push", check=0)
    guest.shell("set -e\n" + FIVE)
    assert guest.points(*GUIDED) == (18, 18)
    assert labkit_json("check", *GUIDED, "--json")["exercises"][1]["earned"] == 3  # the owner sees the same lab
    assert "is complete" in guest.labkit("hint", "03-push", check=0).stdout
    listed = guest.run(
        [guest.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(guest.course / "exercises/02-tag")]
    )
    assert listed.returncode == 0, listed.stdout + listed.stderr

    guest.labkit("solve", "06-practice", check=0)
    earned, points = guest.points("06-practice")
    assert earned == points > 0
    assert "labkit answer 06-practice ci=…" in guest.labkit("answer", "06-practice", check=0).stdout
    guest.labkit("answer", "06-practice", "reflection=A registry keeps what a build made.", check=0)
    seen = json.loads(guest.labkit("observe", check=0).stdout)
    assert seen["answers"]["06-practice"]["reflection"] == "A registry keeps what a build made."
    assert seen["sign_ins"]["here"] == {"https://index.docker.io/v1/": "myusername"}
    assert set(seen["sign_ins"]) == {"here", "workstation", "worker1", "worker2"}

    guest.labkit("reset", "05-deploy", check=0)
    assert guest.points("05-deploy")[0] == 0
    assert guest.points("01-login", "02-tag", "03-push") == (10, 10)
    guest.labkit("reset", "--all", check=0)
    assert guest.points()[0] == 0
    assert json.loads(guest.labkit("observe").stdout)["answers"] == {}
    assert (guest.home / "registry-lab/.labkit/attempts.jsonl").stat().st_uid == pwd.getpwnam(NAME).pw_uid


def test_the_owners_work_is_not_the_guests(lab, guest):
    """A guest's reset leaves the owner's sign-ins and answers, and the other way round."""
    from helpers import shell

    from labkit.work import answers

    shell(lab, "docker login -u myusername -p mypassword")
    answers.save(lab.work, "06-practice", {"reflection": "mine"})
    guest.shell("docker login -u myusername -p mypassword")
    guest.labkit("reset", "--all", check=0)
    seen = labkit_json("observe")
    assert seen["sign_ins"]["here"]
    assert seen["answers"]["06-practice"] == {"reflection": "mine"}
    assert json.loads(guest.labkit("observe").stdout)["sign_ins"]["here"] == {}


def test_what_is_the_owners_says_so(guest):
    for words in (["up"], ["down"], ["image", "build"], ["verify", "02"], ["invite", str(guest.home / "other")]):
        refused = guest.labkit(*words, check=2)
        assert f"labkit {words[0]} is for the lab's owner" in refused.stderr
    state = json.loads(guest.labkit("status", "--json", check=0).stdout)
    assert state["state"] == "up"
    assert state["engine"] is None
    assert state["owner"].startswith("https://127.0.0.1:")
    assert {"edge", "workstation", "worker1", "worker2"} <= set(state["machines"])  # tests before may have added others
    assert "you are a guest" in guest.labkit("doctor", check=0).stdout


def test_a_guest_sets_what_a_lesson_has_one_set(guest):
    assert "pulls every 6 hours without an account: 3" in guest.labkit("limit", "hub", "--pulls", "3", check=0).stdout
    assert json.loads(guest.labkit("limit", "hub", "--off", "--json", check=0).stdout)["pulls"] == 100
    assert "12 hours have passed" in guest.labkit("expire", "ecr", check=0).stdout
    assert "is not yours" in guest.labkit("immutable", "library/busybox", "--on", check=2).stderr


def test_a_shell_on_a_machine(guest):
    assert guest.labkit("shell", "worker1", input="hostname; exit 3\n", check=3).stdout == "worker1\n"
    both = guest.labkit("shell", "worker1", "sh", "-c", "echo out; echo err >&2", check=0)
    assert (both.stdout, both.stderr) == ("out\n", "err\n")
    assert guest.labkit("shell", "worker2", "cat", input="x" * 300_000, check=0).stdout == "x" * 300_000
    assert "Only the owner may run commands on edge" in guest.labkit("shell", "edge", "id", check=2).stderr
    assert "no machine 'worker9'" in guest.labkit("shell", "worker9", check=2).stderr


@pytest.mark.parametrize("who", ["owner", "guest"])
def test_a_shell_on_a_terminal(lab, guest, who):
    outer, inner = os.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 31, 101, 0, 0))
    options = guest.options() if who == "guest" else {"env": {**os.environ, "PYTHONPATH": str(ROOT)}}
    process = subprocess.Popen(
        [guest.python if who == "guest" else sys.executable, "-m", "labkit", "shell", "worker1"],
        **options,
        stdin=inner,
        stdout=inner,
        stderr=inner,
        start_new_session=True,
    )
    os.close(inner)

    def typed(text, answer):
        os.write(outer, text)
        told = b""
        while answer not in told:
            assert select.select([outer], [], [], 30)[0], told
            told += os.read(outer, 65536)

    typed(b"", b"# ")
    typed(b"stty size\r", b"31 101")
    typed(b"sleep 1234\r", b"sleep 1234\r\n")
    # Until it runs, Ctrl-C is bash's, which then throws away what is typed behind it.
    until(lambda: running(lab, "sleep 1234"), "the command's start", 20)
    typed(b"\x03", b"# ")
    typed(b"echo back-$((40+2))\r", b"back-42")
    os.write(outer, b"exit 5\r")
    assert process.wait(timeout=30) == 5
    os.close(outer)


def running(lab, mark):
    from labkit.lab.lifecycle.machines import execute

    return mark in execute(lab.engine, lab.parts["worker1"].id, ["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"])


@pytest.mark.fault("A guest's command is interrupted or killed", "What it ran on the machine also ends")
def test_what_nobody_listens_to_any_more_ends(lab, guest):
    mark = f"sleep {100_000 + os.getpid()}"
    command = [guest.python, "-m", "labkit", "shell", "worker1", *mark.split()]
    for number, expected in ((signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)):
        process = subprocess.Popen(command, **guest.options(stdin=subprocess.DEVNULL, start_new_session=True))
        until(lambda: running(lab, mark), "the command's start")
        process.send_signal(number)
        assert process.wait(timeout=30) == expected
        until(lambda: not running(lab, mark), "the command's end")


KERNEL = """
import queue, sys
from jupyter_client.manager import start_new_kernel
from labkit.jupyter.server import JUPYTER_PATH
from labkit.lab import environment, find
import os
os.environ |= JUPYTER_PATH
lab = find.current()
manager, client = start_new_kernel(kernel_name="python3", env=environment.process(lab))
def printed(until):
    text = ""
    while True:
        message = client.get_iopub_msg(timeout=60)
        if message["msg_type"] == "stream":
            text += message["content"]["text"]
        elif message["msg_type"] == "error":
            text += "".join(message["content"]["traceback"])
        elif message["content"].get("execution_state") == "idle":
            return text
        if until and until in text:
            return text
client.execute("%%on worker1\\nhostname; docker info --format '{{.Swarm.LocalNodeState}}'; exit 4")
print("on:", printed("").split())
client.execute("%%on worker1\\necho begun; sleep 1000")
print("long:", printed("begun").split())
manager.interrupt_kernel()
print("interrupted:", printed("").split())
client.execute("from labkit import check\\nprint(repr(check('02-tag')).splitlines()[0])")
print("check:", printed("").strip())
client.execute("from labkit import panel\\nprint(repr(panel('02-tag')))")
print("panel:", "your image has the tag v1.0.0" in printed("").lower())
client.stop_channels()
manager.shutdown_kernel()
"""


def test_a_notebook(guest):
    result = guest.run([guest.python, "-c", KERNEL])
    lines = dict(line.split(": ", 1) for line in result.stdout.splitlines() if ": " in line)
    assert lines.get("on") == "['worker1', 'active', 'exit', 'status', '4']", result.stdout + result.stderr
    assert lines["long"] == "['begun']"
    assert lines["interrupted"] == "['Stopped.']"
    assert "0/3 points" in lines["check"]


WATCH = """
import sys, time
from labkit.lab.looking.watch import Watch
from labkit.seen.lab import SeenLab
def tell(sight):
    names = [] if sight.observation is None else [
        name for registry in SeenLab(sight.observation).registries.values() for name in registry.repositories]
    print(sight.state, *names, flush=True)
watch = Watch()
watch.listen(tell)
sys.stdin.read()
watch.stop()
"""


def test_the_watch_sees_a_push(guest):
    guest.shell("docker login -u myusername -p mypassword && docker tag myapp:latest myusername/myapp:v1.0.0")
    with guest.start(WATCH, stdin=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith("up")
        guest.shell("docker push myusername/myapp:v1.0.0")
        pushed = time.monotonic()
        assert any("myusername/myapp" in line for line in iter(process.stdout.readline, ""))
        assert time.monotonic() - pushed < 3  # by an event, not by the heartbeat
        process.stdin.close()
        assert process.wait(timeout=30) == 0


def test_jupyterlab_of_a_guest(guest):
    told = guest.labkit("jupyter", check=0).stdout
    assert "JupyterLab: http://127.0.0.1:" in told
    assert (guest.home / "registry-lab" / "03-push.ipynb").exists()
    guest.labkit("jupyter", "--stop", check=0)
    assert json.loads(guest.labkit("status", "--json").stdout)["jupyter"] is None


@pytest.mark.fault(
    "A node restarts while a guest works, and gets another port", "After `up`, the guest's contexts lead to it again"
)
def test_the_contexts_follow_a_machine_that_was_started_again(lab, guest):
    before = guest.shell("docker --context worker1 info --format '{{.Name}}'").stdout
    subprocess.run(
        ["docker", "-H", lab.engine.url, "restart", "-t", "1", lab.parts["worker1"].id], check=True, capture_output=True
    )
    labkit("up", "--detach", "--no-jupyter", check=0)
    guest.labkit("status", check=0)
    assert guest.shell("docker --context worker1 info --format '{{.Name}}'").stdout == before == "worker1\n"


@pytest.mark.parametrize("answered", [False, True], ids=["at-once", "after-an-answer"])
def test_a_session_over_tls(lab, monkeypatch, answered):
    """An engine that is reached over TCP: half-closed like any other, whether or not something has come from there by then."""
    from helpers import shell

    assert shell(lab, "docker run -d --name web myapp").returncode == 0
    monkeypatch.setenv("DOCKER_CERT_PATH", str(lab.keys))
    session = EngineSession(Engine(lab.url("workstation")), "web", ("sh", "-c", "cat; echo err >&2; exit 4"), None)
    session.write(b"typed " * 50_000)
    if answered:
        until(lambda: select.select([session._stream._socket], [], [], 0)[0], "the first of what comes back")
    session.end_input()
    told = {STDOUT: b"", STDERR: b""}
    while (piece := session.read())[1]:
        told[piece[0]] += piece[1]
    assert told == {STDOUT: b"typed " * 50_000, STDERR: b"err\n"}
    assert session.status() == 4
    session.close()


@pytest.mark.fault(
    "The owner's service ends while a guest works",
    "The guest reads whom to ask; the service comes back at the same address",
)
def test_without_its_owner_a_guest_is_told(lab, guest):
    keeper.stop(lab.home)
    refused = guest.labkit("check", check=2)
    assert "The lab is not running." in refused.stderr
    assert "ask its owner" in refused.stderr
    assert "ask the lab's owner: labkit up" in guest.labkit("status", check=1).stdout
    keeper.receive(lab)  # on the same port, so that the access goes on
    until(lambda: guest.labkit("status").returncode == 0, "the owner's answer")
