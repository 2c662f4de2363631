"""Each workaround against the real library: it is needed, and it helps. Where the first half fails, take the workaround out."""

import pytest

BEGIN = """
import time
from comm import create_comm
heard = []
channel = create_comm(target_name="test")
channel.on_msg(lambda message: heard.append(message))
print(channel.comm_id)
"""

BUSY = """
end = time.monotonic() + 3
print("begun", flush=True)
while not heard and time.monotonic() < end:
    time.sleep(0.01)
print("heard during the cell" if heard else "nothing heard")
"""

BEND = "from labkit.jupyter.workarounds import answer_during_cells; answer_during_cells(channel)"


@pytest.fixture
def client(tmp_path, monkeypatch):
    """A client of a kernel of its own; no lab is needed."""
    from jupyter_client.manager import KernelManager

    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.context.destroy(linger=0)


def printed(client, code, during=None):
    """What a cell prints; `during` is done once it has printed something."""
    told = []

    def hear(message):
        if message["msg_type"] == "stream":
            if during and not told:
                during()
            told.append(message["content"]["text"])

    reply = client.execute_interactive(code, timeout=60, output_hook=hear)
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(told)


def click(client, comm_id):
    """Sends what JupyterLab sends for a click in a widget: by a subshell of its own, so as not to wait for cells."""
    asked = client.session.msg("create_subshell_request")
    client.control_channel.send(asked)
    subshell = client.get_control_msg(timeout=10)["content"]["subshell_id"]
    message = client.session.msg("comm_msg", {"comm_id": comm_id, "data": {"method": "custom", "content": {}}})
    message["header"]["subshell_id"] = subshell
    return lambda: client.shell_channel.send(message)


@pytest.mark.parametrize(("bend", "told"), [("", "nothing heard"), (BEND, "heard during the cell")])
def test_clicks_during_a_cell(client, bend, told):
    comm_id = printed(client, BEGIN).strip()
    printed(client, bend)
    assert told in printed(client, BUSY, during=click(client, comm_id))
