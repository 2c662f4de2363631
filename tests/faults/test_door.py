"""nginx, through which every request comes in, dies or hangs."""

import pytest
from helpers import labkit, labkit_json, shell, until


def on_edge(lab, script):
    from labkit.lab.lifecycle import machines

    return machines.execute(lab.engine, lab.parts["edge"].id, ["sh", "-c", script])


MASTER = "cat /run/nginx.pid"
WORKER = f"pgrep -P $({MASTER})"


@pytest.mark.fault(
    "nginx or its worker is killed", "It starts again; a push right after it succeeds, and nothing is lost"
)
@pytest.mark.parametrize("which", [MASTER, WORKER], ids=["master", "worker"])
def test_nginx_is_killed(lab, which):
    labkit("solve", "03-push", check=0)
    before = on_edge(lab, f"{which}; kill -9 $({which})")
    until(lambda: on_edge(lab, f"{which} || true").strip() not in ("", before.strip()), "it runs again")
    pushed = shell(lab, "docker tag myapp myusername/more:v1; docker push myusername/more:v1")
    assert pushed.returncode == 0, pushed.stderr
    assert labkit_json("status", "--json", check=0)["state"] == "up"
    labkit("check", "01-login", "02-tag", "03-push", check=0)


@pytest.mark.fault("nginx hangs", "`status` says so; once it continues, all is well")
def test_nginx_hangs(lab):
    pid = on_edge(lab, WORKER).strip()
    on_edge(lab, f"kill -STOP {pid}")
    try:
        told = labkit("status", check=2).stdout
        assert "✗ edge         running" in told and "The registries' door does not answer." in told
    finally:
        on_edge(lab, f"kill -CONT {pid}")
    assert labkit_json("status", "--json", check=0)["state"] == "up"


@pytest.mark.fault("nginx cannot start", "The edge ends, and `up` shows its last words")
def test_nginx_cannot_start(lab):
    on_edge(lab, f"mv /lab/nginx.conf /lab/kept.conf; kill -9 $({MASTER})")

    def edge():
        return labkit_json("status", "--json")["machines"]["edge"]["state"]

    until(lambda: edge() == "exited", "the edge gives it up")
    told = labkit("up", "--detach", "--no-jupyter", check=2).stderr
    assert "The registries' door does not run: nginx ended with exit code 1, 5 times in a row." in told
    with lab.engine.wire() as wire:
        wire.request("DELETE", f"/containers/{lab.parts['edge'].id}?force=1")
    labkit("up", "--detach", "--no-jupyter", check=0)
    assert labkit_json("status", "--json", check=0)["state"] == "up"
