"""The kernel of the lab: how cells run commands and what stands under them, `%explain`, completion, panels in cells; and what
wakes the watch."""

import contextlib
import os
import queue
import re
import subprocess
import sys
import time

import nbformat
import psutil
import pytest
from helpers import ROOT, labkit, shell, until

from labkit.jupyter import server as jupyter
from labkit.lab import environment
from labkit.lab.lifecycle import machines
from labkit.lab.looking.watch import Watch
from labkit.seen.lab import SeenLab


class Cell:
    """What a cell showed, and how it ended."""

    def __init__(self):
        self.text, self.html, self.traceback, self.data, self.reply = "", "", "", [], {}

    def hear(self, message):
        content = message["content"]
        match message["msg_type"]:
            case "stream":
                self.text += content["text"]
            case "error":
                self.traceback += "\n".join(content["traceback"])
            case "execute_result" | "display_data":
                self.data.append(content["data"])
                self.text += content["data"].get("text/plain", "") + "\n"
                self.html += content["data"].get("text/html", "")

    @property
    def failed(self):
        return self.reply["status"] == "error"


class Kernel:
    """A kernel as JupyterLab starts it in the lab."""

    def __init__(self, client, manager):
        self.client, self.manager = client, manager

    def start(self, code):
        return self.client.execute(code)

    def printed(self, until_text=None, seconds=60.0):
        """What a started cell shows: until it has ended, or this text has come."""
        cell, end = Cell(), time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                message = self.client.get_iopub_msg(timeout=1)
            except queue.Empty:
                continue
            cell.hear(message)
            ended = message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"
            if ended or (until_text and until_text in cell.text):
                return cell.text
        raise AssertionError(f"not ended within {seconds:.0f} s: {cell.text}")

    def cell(self, code, seconds=60.0):
        cell = Cell()
        cell.reply = self.client.execute_interactive(code, output_hook=cell.hear, timeout=seconds)["content"]
        assert "Traceback" not in cell.text + cell.traceback, cell.text + cell.traceback
        return cell

    def run(self, code):
        return self.cell(code).text


@pytest.fixture(scope="module")
def _paths(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        for name, value in jupyter.JUPYTER_PATH.items():
            patch.setenv(name, value)
        yield


@contextlib.contextmanager
def started(lab, **variables):
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env={**environment.process(lab), "PYTHONPATH": str(ROOT), **variables}, cwd=str(lab.work))
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=60)
        yield Kernel(client, manager)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.context.destroy(linger=0)


@pytest.fixture
def kernel(lab, _paths):
    with started(lab) as kernel:
        yield kernel


@pytest.fixture
def tagging(lab, _paths):
    """The kernel of the notebook 02-tag."""
    with started(lab, JPY_SESSION_NAME=str(lab.work / "02-tag.ipynb"), LABKIT_PANEL="beside") as kernel:
        yield kernel


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
    assert "Stopped." in kernel.printed(seconds=20)
    assert sleepers(lab) == 0
    assert "worker2" in kernel.run("%%on worker2\nhostname")


def sleepers(lab):
    """How many processes on worker2 sleep for the test."""
    count = "for one in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $one; echo; done 2>/dev/null | grep -c '^sleep 4321' || true"
    return int(machines.execute(lab.engine, lab.parts["worker2"].id, ["sh", "-c", count]))


def test_a_failed_command_is_explained_in_one_line_and_never_as_a_traceback(kernel):
    for code in ("!docker push myapp:latest", "%%bash\ndocker push myapp:latest"):
        cell = kernel.cell(code)
        assert cell.failed
        assert "The push refers to repository" in cell.text
        told = cell.text.partition("denied: requested access to the resource is denied\n")[2]
        assert told.startswith("→ ")
        assert "More: %explain" in told
        assert len(told.strip().splitlines()) == 1
        assert 'href="#labkit-explain"' in cell.html
    on = kernel.cell("%%on worker1\ndocker pull myusername/nope")
    assert on.failed
    assert "→ " in on.text
    wrong = kernel.cell("%%on worker\nhostname")
    assert wrong.failed
    assert "did you mean worker" in wrong.text
    assert "exit status 3" in kernel.cell("!exit 3").text
    python = kernel.cell("import subprocess; subprocess.run(['false'], check=True)")
    assert python.failed


def test_run_all_stops_where_a_command_fails(kernel):
    kernel.start("!docker push myapp:latest")
    after = kernel.client.execute("print('went on')")
    reply = until(
        lambda: [one for one in [kernel.client.get_shell_msg(timeout=60)] if one["parent_header"]["msg_id"] == after],
        "reply",
    )
    assert reply[0]["content"]["status"] == "aborted"


def test_a_failure_in_the_middle_of_a_cell_is_explained_too(kernel):
    cell = kernel.cell("%%bash\ndocker pull myusername/nope\necho went on")
    assert not cell.failed
    assert "went on" in cell.text
    assert "→ " in cell.text


def test_output_comes_as_it_is_printed_and_a_cell_can_be_stopped(kernel):
    for code in ("%%bash\necho begun; echo again >&2; printf half; sleep 4321", "!printf half; sleep 4321"):
        kernel.start(code)
        assert "half" in kernel.printed("half", 20)
        kernel.manager.interrupt_kernel()
        assert "Stopped." in kernel.printed(seconds=20)
        until(
            lambda: not [one for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == ["sleep", "4321"]],
            "it ended",
            5,
        )
    assert kernel.run("print('on')") == "on\n"


def test_a_command_that_asks_finds_no_keyboard_and_does_not_wait_for_one(kernel):
    cell = kernel.cell("!docker login")
    assert cell.failed
    assert "non" in cell.text.lower() and "tty" in cell.text.lower()
    assert "→ " in cell.text
    assert not kernel.cell("!cat").failed


def test_bash_itself_is_as_ipython_has_it(kernel):
    assert kernel.run("name = 'x y'\n!echo {name} $name") == "x y x y\n"
    assert kernel.run("%%bash\nname=z; echo $name; { echo up >&2; } 2>&1") == "z\nup\n"
    assert kernel.run("%%bash --out told\necho kept") == ""
    assert "kept" in kernel.run("told")
    assert kernel.run("found = !echo in Python\nprint(found)") == "['in Python']\n"
    assert kernel.run("_ = get_ipython().system('exit 0')\nprint(_exit_code)") == "0\n"


def test_a_cell_with_comments_only_says_so(kernel):
    for code in ("%%bash\n# Type here: docker push x", "%%bash", "# docker push x", "%%on worker1\n# x"):
        cell = kernel.cell(code)
        assert "Only comments here" in cell.text
        assert not cell.failed
    assert kernel.run("") == ""


def test_explain_takes_the_newest_command_that_failed(kernel):
    assert "No error message was found" in kernel.run("%explain")
    kernel.run("!docker push myapp:latest")
    kernel.run("print('in between')")
    told = kernel.run("%explain")
    assert "denied: requested access to the resource is denied" in told
    assert re.search("Here: .*library/myapp", told)
    kernel.run("!dcoker push myapp:latest")
    assert "dcoker: command not found" in (told := kernel.run("%explain"))
    assert "typo" in told
    kernel.run("!docker tag myapp:latest")
    assert "arguments" in (told := kernel.run("%explain"))
    assert "Next: docker COMMAND --help" in told
    kernel.run("%%bash\n!docker ps")
    assert "without the !" in kernel.run("%explain")
    assert "worker9" in kernel.run("%explain context worker9: context not found")
    assert "Error: 42" in kernel.run("%explain Error: 42")


def test_explain_works_inside_a_bash_cell(kernel):
    cell = kernel.cell("%%bash\ndocker login -u myusername -p nope\n%explain")
    assert cell.failed
    assert "job control" not in cell.text
    assert "Here: Docker Hub knows myusername" in cell.text
    assert "→ " not in cell.text.partition("Next")[0]  # once, not twice
    kernel.run("!docker push myapp:latest")
    alone = kernel.cell("%%bash\n%explain")
    assert not alone.failed
    assert re.search("Here: .*library/myapp", alone.text)


def test_no_advice_after_the_same_command_has_worked(kernel):
    kernel.run("!docker login -u myusername -p nope")
    assert "Next: " in kernel.run("%explain")
    kernel.run("!docker login -u myusername -p mypassword")
    told = kernel.run("%explain")
    assert "incorrect username or password" in told
    assert "worked" in told
    assert "Next: " not in told
    assert "Here: " not in told


def test_what_the_checks_say_stands_under_a_cell_that_changed_the_lab(tagging):
    assert tagging.run("!docker image ls | wc -l").strip().isdigit()
    assert "0 of 2 checks pass · next: The workstation" in tagging.run("!docker tag myapp:latest other:name")
    refused = tagging.run("!docker push myapp:latest")
    assert "checks pass" not in refused
    assert "✓ Exercise complete. Next: Push an image" in tagging.run(
        "%%bash\ndocker tag myapp:latest myusername/myapp:v1.0.0"
    )
    assert "0 of 2 checks pass" in tagging.run("!docker rmi myusername/myapp:v1.0.0")
    assert tagging.run("%verdict off") == ""
    assert tagging.run("!docker tag myapp:latest myusername/myapp:v1.0.0") == ""
    assert "did you mean off" in tagging.run("%verdict of")
    tagging.run("%verdict on")
    assert "✓" not in tagging.run("!docker image ls")
    assert "0 of 2 checks pass" in tagging.run("!docker rmi myusername/myapp:v1.0.0")


def test_a_service_is_waited_for_while_it_comes_on(kernel, lab):
    shell(lab, "docker login -u myusername -p mypassword && docker tag myapp:latest myusername/myapp:v1.0.0")
    shell(lab, "docker push myusername/myapp:v1.0.0")
    cell = kernel.cell("!docker service create --name myapp --replicas 3 myusername/myapp:v1.0.0")
    assert not cell.failed
    lines = cell.text.splitlines()
    assert "converged" in lines[-1]
    assert len(lines) == len(set(lines)) < 15


def test_a_service_whose_app_crashes_does_not_hold_the_cell(kernel, lab):
    crash = "docker service create --name crash --replicas 2 busybox:latest sh -c 'sleep 1; exit 3'"
    cell = kernel.cell(f"%%bash\n{crash}\necho went on", seconds=120)
    assert cell.failed
    assert "this cell stops waiting" in cell.text
    assert "went on" in cell.text
    assert len(cell.text.splitlines()) < 25
    assert "crash" in shell(lab, "docker service ls").stdout
    kernel.run("!docker service rm crash")


def test_names_are_completed(kernel, lab):
    shell(lab, "docker tag myapp:latest myusername/myapp:v1.0.0")

    def offered(line):
        reply = kernel.client.complete(line, len(line), reply=True, timeout=20)["content"]
        return [line[: reply["cursor_start"]] + match for match in reply["matches"]]

    kernel.run("import os; os.environ['JPY_SESSION_NAME'] = 'x.ipynb'; from labkit import panel; panel('02-tag')")
    until(lambda: "!docker push myusername/myapp:v1.0.0" in offered("!docker push myus"), "completion of a name", 10)
    assert "docker push myusername/myapp:v1.0.0" in offered("docker push myusername/myapp:v")


def test_beside_the_panel_a_cell_says_where_it_is(tagging):
    for call in ("panel('02-tag')", "panel()", "quiz('02-tag')", "start()"):
        assert "on the right" in tagging.run(f"from labkit import *; {call}")
    copy = tagging.cell("panel('02-tag', here=True)")
    assert "0/3 points" in copy.text
    assert "lk-part-checks" in copy.html


WIDGET = "application/vnd.jupyter.widget-view+json"


def test_where_there_are_widgets_a_button_looks_again(lab, _paths):
    with started(lab, JPY_SESSION_NAME="02-tag.ipynb") as kernel:
        shown = kernel.cell("from labkit import panel; panel('02-tag')")
        assert WIDGET in shown.data[0]
        assert "0/3 points" in shown.data[0]["text/plain"]
        assert "lk-part-checks" in shown.data[0]["text/html"]
        shell(lab, "docker tag myapp:latest myusername/myapp:v1.0.0")
        held = "[one for one in __import__('ipywidgets').Widget.widgets.values() if type(one).__name__ == '{}'][0]"
        kernel.run(f"{held.format('Button')}.click()")
        assert "3 of 3 points" in kernel.run(f"print({held.format('HTML')}.value)")
    with started(lab) as kernel:
        kernel.run("__vsc_ipynb_file__ = '/x/02-tag.ipynb'")
        assert WIDGET in kernel.cell("from labkit import panel; panel()").data[0]


def converted(cell, folder, env, *options):
    """A notebook of this cell as nbconvert runs it, in HTML."""
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / "one.ipynb")
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--execute", *options, "--to", "html"]
    done = subprocess.run([*command, str(folder / "one.ipynb")], env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return (folder / "one.html").read_text()


def test_without_widgets_the_same_is_html_and_text(lab, _paths, tmp_path):
    shell(lab, "docker login -u myusername -p mypassword")
    cell = nbformat.v4.new_code_cell("from labkit import panel, start\ndisplay(panel('01-login'), start())")
    env = {**environment.process(lab), "PYTHONPATH": str(ROOT), "LABKIT_PANEL": "beside"}
    html = converted(cell, tmp_path, env)
    assert "lk-part-checks" in html
    assert "You signed in" in html
    assert "widget-view" not in html
    code = "from labkit import panel, start; print(panel('01-login')); print(start())"
    plain = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert "3/3 points" in plain.stdout
    assert "✓ workstation" in plain.stdout


def test_nbconvert_of_a_cell_that_fails_tells_no_traceback(lab, _paths, tmp_path):
    cell = nbformat.v4.new_code_cell("!docker push myapp:latest")
    html = converted(cell, tmp_path, {**environment.process(lab), "PYTHONPATH": str(ROOT)}, "--allow-errors")
    assert "requested access to the resource is denied" in html
    assert "#labkit-explain" in html
    assert "Traceback" not in html


def test_explain_is_a_command_too(lab):
    told = labkit("explain", "manifest", "unknown", check=0).stdout
    assert "The repository exists" in told
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
