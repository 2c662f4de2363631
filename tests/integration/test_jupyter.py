"""The kernel of the lab: `%%on`, `%explain`, completion, and panels where there are no widgets; and what wakes the watch."""

import os
import queue
import subprocess
import sys
import time

import pytest
from helpers import ROOT, labkit, shell, until

from labkit.jupyter import server as jupyter
from labkit.lab import environment
from labkit.lab.lifecycle import machines
from labkit.lab.looking.watch import Watch
from labkit.seen.lab import SeenLab


class Kernel:
    """A kernel as JupyterLab starts it in the lab."""

    def __init__(self, client, manager):
        self.client, self.manager = client, manager

    def start(self, code):
        return self.client.execute(code)

    def printed(self, until_text=None, seconds=60.0):
        """What comes on the streams, and errors: until the cell has ended, or this text has come."""
        text, end = "", time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                message = self.client.get_iopub_msg(timeout=1)
            except queue.Empty:
                continue
            content = message["content"]
            if message["msg_type"] == "stream":
                text += content["text"]
            elif message["msg_type"] == "error":
                text += "\n".join(content["traceback"])
            elif message["msg_type"] in ("execute_result", "display_data"):
                text += content["data"]["text/plain"]
            elif message["msg_type"] == "status" and content["execution_state"] == "idle" and text is not None:
                return text
            if until_text and until_text in text:
                return text
        raise AssertionError(f"not ended within {seconds:.0f} s: {text}")

    def run(self, code):
        self.client.execute(code)
        return self.printed()


@pytest.fixture(scope="module")
def _paths(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        for name, value in jupyter.JUPYTER_PATH.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def kernel(lab, _paths):
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env={**environment.process(lab), "PYTHONPATH": str(ROOT)}, cwd=str(lab.work))
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield Kernel(client, manager)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.context.destroy(linger=0)


def test_on_runs_a_cell_on_another_machine(kernel):
    told = kernel.run("%%on worker1\nhostname\necho to stderr >&2\nread nothing\ndocker context show\nexit 3")
    assert "worker1" in told
    assert "to stderr" in told
    assert "default" in told
    assert "exit status 3" in told
    assert "did you mean worker" in kernel.run("%%on worker\nhostname")


@pytest.mark.fault(
    "The kernel is interrupted while a cell runs on a node", "The command on the node ends; the next cell runs"
)
def test_on_streams_and_can_be_interrupted(kernel, lab):
    kernel.start("%%on worker2\necho begun\nsleep 4321")
    assert "begun" in kernel.printed("begun")
    until(lambda: sleepers(lab) == 1, "it sleeps on worker2", 5)
    kernel.manager.interrupt_kernel()
    assert "exit status" in kernel.printed(seconds=20)
    assert sleepers(lab) == 0
    assert "worker2" in kernel.run("%%on worker2\nhostname")


def sleepers(lab):
    """How many processes on worker2 sleep for the test."""
    count = "for one in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $one; echo; done 2>/dev/null | grep -c '^sleep 4321' || true"
    return int(machines.execute(lab.engine, lab.parts["worker2"].id, ["sh", "-c", count]))


def test_explain_takes_the_last_failed_docker_command(kernel):
    assert "No docker command has failed" in kernel.run("%explain")
    assert "denied" in kernel.run("!docker push myapp:latest")
    kernel.run("print('in between')")
    told = kernel.run("%explain")
    assert "denied: requested access to the resource is denied" in told
    assert "Here: A push to library/myapp was refused" in told
    assert "No machine of that name" in kernel.run("%explain context worker9: context not found")
    assert "not known here" in kernel.run("%explain Error: 42")


def test_names_are_completed(kernel, lab):
    shell(lab, "docker tag myapp:latest myusername/myapp:v1.0.0")

    def offered(line):
        reply = kernel.client.complete(line, len(line), reply=True, timeout=20)["content"]
        return [line[: reply["cursor_start"]] + match for match in reply["matches"]]

    kernel.run("import os; os.environ['JPY_SESSION_NAME'] = 'x.ipynb'; from labkit import panel; panel('02-tag')")
    until(lambda: "!docker push myusername/myapp:v1.0.0" in offered("!docker push myus"), "completion of a name", 10)
    assert "docker push myusername/myapp:v1.0.0" in offered("docker push myusername/myapp:v")


def test_without_widgets_the_same_is_html_and_text(lab, _paths, tmp_path):
    shell(lab, "docker login -u myusername -p mypassword")
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--execute", "--to", "html", "--output-dir", str(tmp_path)]
    env = {**environment.process(lab), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, str(lab.work / "01-login.ipynb")], env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    html = (tmp_path / "01-login.html").read_text()
    assert "lk-tall" in html
    assert "myusername signed in at Docker Hub on workstation" in html
    assert "widget-view" not in html
    code = "from labkit import panel, start; print(panel('01-login')); print(start())"
    plain = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert "3/3 points" in plain.stdout
    assert "What is where" in plain.stdout
    assert "✓ workstation" in plain.stdout


def test_explain_is_a_command_too(lab):
    told = labkit("explain", "manifest", "unknown", check=0).stdout
    assert "no such tag" in told
    piped = subprocess.run(
        [sys.executable, "-m", "labkit", "explain"],
        input="no space left on device",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert "disk is full" in piped.stdout


def test_the_watch_tells_what_happens_and_rests_in_between(lab):
    seen = []
    watch = Watch()
    try:
        watch.listen(seen.append)
        until(lambda: seen, "the first sight", 5)
        shell(lab, "docker login -u myusername -p mypassword && docker tag myapp:latest myusername/myapp:v1.0.0")
        until(lambda: seen[-1].observation.sign_ins["here"], "the sign-in is seen", 2)
        shell(lab, "docker push myusername/myapp:v1.0.0")
        until(
            lambda: "myusername/myapp" in seen[-1].observation.registries.known["hub"].repositories,
            "the push is seen",
            2,
        )
        shell(lab, "docker service create --detach --name myapp --replicas 3 myusername/myapp:v1.0.0")

        def running():
            service = seen[-1].observation.swarm.services.get("myapp")
            return service is not None and len(service.running) == 3

        until(running, "the tasks are seen", 20)
        until(lambda: not SeenLab(seen[-1].observation).moving, "the Swarm rests", 10)
        told = len(seen)
        quiet = time.monotonic() + 2
        until(lambda: time.monotonic() > quiet, "two seconds pass")
        assert len(seen) <= told + 1
        with lab.engine.wire() as wire:
            wire.request("POST", f"/containers/{lab.parts['worker1'].id}/pause")
            wire.request("POST", f"/containers/{lab.parts['worker1'].id}/unpause")
            wire.request("POST", f"/containers/{lab.parts['worker1'].id}/restart?t=0")
        until(
            lambda: seen[-1].state == "up" and "worker1" in seen[-1].observation.engines,
            "it is back",
            40,
        )
    finally:
        watch.stop()
