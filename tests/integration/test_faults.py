"""Bad input and bad luck: each gets one clear error with the next command, and nothing is lost."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import ROOT, assert_one_error, labkit, labkit_json
from second_engine import own_paths


@pytest.mark.fault("No engine answers where DOCKER_HOST points", "`up` says so, what chose it, and how to start one")
def test_no_engine_where_one_was_chosen(tmp_path):
    env = {"DOCKER_HOST": f"unix://{tmp_path}/nothing.sock", "LABKIT_ENGINE": "", **own_paths(tmp_path)}
    result = labkit("up", "--detach", "--no-jupyter", env=env)
    assert_one_error(result, "No Docker Engine answers at", "DOCKER_HOST chose it", "systemctl start docker")


def test_an_engine_on_another_machine(tmp_path):
    env = {"DOCKER_HOST": "ssh://me@elsewhere", "LABKIT_ENGINE": "", **own_paths(tmp_path)}
    assert_one_error(labkit("up", "--detach", env=env), "is on another machine", "docker context use default")


@pytest.mark.fault(
    "The engine accepts the connection and never answers", "`up` gives up after 5 s and says how to restart it"
)
def test_an_engine_that_does_not_answer(tmp_path):
    path = tmp_path / "silent.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        env = {"DOCKER_HOST": f"unix://{path}", "LABKIT_ENGINE": "", **own_paths(tmp_path)}
        result = labkit("up", "--detach", env=env, timeout=30)
    assert_one_error(result, "accepted the connection but did not answer within 5 s", "systemctl restart docker")


@pytest.mark.fault("A user lacks permission for the engine's socket", "They read which command gives it")
def test_no_permission_on_the_socket(engine):
    """As nobody, on the real socket of the real engine."""
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[2])\n"
        "from labkit.errors import LabError\n"
        "from labkit.lab.engine import engines, processes\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "try: engines.ping(sys.argv[1])\n"
        "except LabError as error: print(error)\n"
    )
    if os.geteuid() != 0:
        pytest.skip("only root can become nobody")
    result = subprocess.run([sys.executable, "-c", code, engine.url, str(ROOT)], capture_output=True, text=True)
    assert "You may not use the Docker Engine" in result.stdout, result.stderr
    assert "sudo usermod -aG docker $USER" in result.stdout


@pytest.mark.fault("JupyterLab's port is taken by another program", "The lab runs; a free port is suggested")
def test_a_port_that_is_taken(running_lab):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = labkit("up", "--detach", "--port", str(port))
    assert_one_error(result, f"Port {port} of this machine is taken", f"labkit up --port {port + 1}")
    assert labkit_json("status", "--json", check=0)["state"] == "up"


def test_missing_capabilities_are_told_and_the_lab_runs_all_the_same(running_lab):
    from labkit.lab.engine import capabilities

    found = {one["name"]: one for one in labkit_json("doctor", "--json")}
    lacking = capabilities.missing()
    assert found["capabilities"]["state"] == "ok"
    assert all(name in found["capabilities"]["found"] for name in lacking)
    with running_lab.engine.wire() as wire:
        host = wire.get(f"/containers/{running_lab.parts['workstation'].id}/json")["HostConfig"]
    assert host["Privileged"] is (not lacking)


def kernel_has_ipvs():
    """Asked of the kernel itself: it is built in, loaded, or lies among the modules that modprobe could load."""
    if any(line.split()[2].startswith("ip_vs_") for line in Path("/proc/kallsyms").read_text().splitlines()):
        return True
    folder = Path("/lib/modules") / os.uname().release
    listed = [file.read_text() for file in (folder / "modules.dep", folder / "modules.builtin") if file.exists()]
    return "/ip_vs.ko" in "".join(listed) and shutil.which("modprobe") is not None


def test_doctor_says_whether_the_kernel_has_ipvs(running_lab):
    found = {finding["name"]: finding for finding in labkit_json("doctor", "--json")}["ipvs"]
    if kernel_has_ipvs():
        assert (found["state"], found["fix"]) == ("ok", "")
        assert "routing mesh works" in found["found"]
    else:
        assert found["state"] == "warning"
        assert "no routing mesh" in found["found"]
        assert "mode=host" in found["fix"]


def test_unknown_words_suggest_the_near_one(running_lab):
    assert_one_error(labkit("check", "03-psh"), "no exercise '03-psh'", "did you mean 03-push?")
    assert_one_error(labkit("chekc"), "no command 'chekc'", "did you mean check?")
    assert_one_error(labkit("hint", "03-push", "in_hbu"), "no check 'in_hbu'", "did you mean in_hub?")
    assert_one_error(labkit("shell", "worker7"), "no machine 'worker7'", "did you mean worker")
    assert_one_error(labkit("env", "worker7"), "no machine 'worker7'")
    assert_one_error(labkit("answer", "06-practice", "c=b"), "no question 'c'")
    assert_one_error(labkit("new", "Bad Name"), "is not a valid name for an exercise")
    assert "0 is too short" in labkit("up", "--time-limit", "0").stderr
    assert "not a length of time" in labkit("up", "--time-limit", "soon").stderr


def test_no_lab(tmp_path, engine):
    env = {"LABKIT_LAB": "no-such-lab", "XDG_STATE_HOME": str(tmp_path)}
    for words in (
        ("check", "01"),
        ("env",),
        ("shell", "worker1"),
        ("observe",),
        ("solve", "01"),
        ("reset", "--all"),
        ("hint", "1"),
    ):
        assert_one_error(labkit(*words, env=env), "The lab is not running.", "labkit up")
    assert labkit("status", env=env, check=1).stdout == "The lab is not running.\n  → labkit up\n"


@pytest.mark.fault(
    "The lab's keys are deleted while it is up", "`check` says that they are missing, and gives no verdict"
)
def test_lost_keys(lab):
    from labkit import paths

    keys = paths.home().state / "pki" / "client"
    kept = keys.with_name("kept")
    contexts = paths.home().state / "docker"
    keys.rename(kept)
    contexts.rename(contexts.with_name("docker-kept"))
    try:
        told = labkit("check", "01-login", check=2)
        assert "The keys of the lab are missing" in told.stdout
    finally:
        kept.rename(keys)
        contexts.with_name("docker-kept").rename(contexts)


@pytest.mark.fault(
    "The last line of the attempts file is incomplete", "All lines before it count; new ones are appended after it"
)
def test_a_damaged_progress_file_loses_nothing(lab):
    file = lab.work / ".labkit" / "attempts.jsonl"
    labkit("check", "02-tag", check=1)
    before = file.read_text()
    file.write_text(before + '{"kind": "attempt", "time": "torn')
    labkit("check", "02-tag", check=1)
    labkit("hint", "02-tag", "tagged", check=0)
    from labkit.work import attempts as progress

    records, damaged = progress.read(lab.work)
    assert damaged == 0
    assert [one.read_text().endswith("torn") for one in file.parent.glob("attempts.jsonl.damaged-*")] == [True]
    assert file.read_text().startswith(before)
    assert [one["kind"] for one in records][-2:] == ["attempt", "hint"]


@pytest.mark.fault("The answers file is not JSON", "`check` goes on; the next answer is saved")
def test_a_damaged_answers_file(lab):
    file = lab.work / ".labkit" / "answers.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text('{"06-practice": ["not", "a", "map"], "x"')
    labkit("check", "06-practice", check=1)
    labkit("answer", "06-practice", "ci=b", check=0)
    assert json.loads(file.read_text()) == {"06-practice": {"ci": "b"}}


@pytest.mark.fault("The work folder cannot be created", "`up` names it, and says how to choose another")
def test_a_work_folder_that_cannot_be_written(lab, tmp_path):
    (tmp_path / "file").write_text("")
    env = {
        "LABKIT_WORK": str(tmp_path / "file" / "work"),
        "LABKIT_LAB": "elsewhere",
        "XDG_STATE_HOME": str(tmp_path / "s"),
    }
    try:
        result = labkit("up", "--detach", "--no-jupyter", env=env)
        assert_one_error(result, "could not be prepared", "LABKIT_WORK")
    finally:
        labkit("down", env=env, check=0)


def test_image_files(engine, tmp_path):
    assert_one_error(labkit("image", "load", str(tmp_path / "none.tar")), "There is no file", "labkit image save")
    (tmp_path / "bad.tar").write_bytes(b"not an image")
    assert_one_error(
        labkit("image", "load", str(tmp_path / "bad.tar")), "does not contain an image", "labkit image build"
    )


def test_an_observation_that_is_none(tmp_path, lab):
    for text, problem in (
        ("nonsense", "This is not an observation"),
        ("[]", "has no schema number"),
        ('{"schema": 99}', "schema 99"),
        ('{"schema": 1}', "damaged: KeyError at 'labkit'"),
        ('{"schema": 1, "nodes": 7}', "damaged"),
    ):
        file = tmp_path / "o.json"
        file.write_text(text)
        assert_one_error(labkit("check", "--observation", str(file)), problem, "labkit observe")
    assert_one_error(labkit("check", "--observation", str(tmp_path / "none")), "cannot be read")


ODD = """
import asyncio, base64, hashlib, json, ssl, sys
import aiohttp

async def main():
    tls = ssl.create_default_context(cafile="/lab/pki/hub-ca.pem")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as hub:
        name, base = "myusername/odd", "https://registry-1.docker.io"
        auth = aiohttp.BasicAuth("myusername", "mypassword")
        scope = {"scope": f"repository:{name}:pull,push", "service": "registry.docker.io"}
        async with hub.get("https://auth.docker.io/token", params=scope, auth=auth) as answer:
            head = {"Authorization": "Bearer " + (await answer.json())["token"]}

        async def blob(data):
            digest = "sha256:" + hashlib.sha256(data).hexdigest()
            async with hub.post(f"{base}/v2/{name}/blobs/uploads/", headers=head) as answer:
                place = answer.headers["Location"]
            async with hub.put(base + place + f"&digest={digest}", data=data, headers=head) as answer:
                assert answer.status == 201, await answer.text()
            return {"mediaType": "application/octet-stream", "digest": digest, "size": len(data)}

        async def put(tag, manifest, expected=(201,)):
            body = json.dumps(manifest).encode()
            kind = {"Content-Type": manifest["mediaType"], **head}
            async with hub.put(f"{base}/v2/{name}/manifests/{tag}", data=body, headers=kind) as answer:
                assert answer.status in expected, (tag, answer.status, await answer.text())
            return {"mediaType": manifest["mediaType"], "digest": "sha256:" + hashlib.sha256(body).hexdigest(), "size": len(body)}

        layer = await blob(b"layer")
        config = {**await blob(json.dumps({"os": "linux", "architecture": "amd64", "config": {"Labels": {"<b>": "</script>"}}}).encode()),
                  "mediaType": "application/vnd.oci.image.config.v1+json"}
        oci = "application/vnd.oci.image.manifest.v1+json"
        image = await put("image", {"schemaVersion": 2, "mediaType": oci, "config": config, "layers": [layer]})
        await put("index", {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
                            "manifests": [{**image, "platform": {"os": "linux", "architecture": "amd64"}}]})
        empty = {**await blob(b"{}"), "mediaType": "application/vnd.oci.empty.v1+json"}
        await put("artifact", {"schemaVersion": 2, "mediaType": oci, "artifactType": "text/x", "config": empty, "layers": [layer]})
        await put("noconfig", {"schemaVersion": 2, "mediaType": oci, "layers": [layer]}, (201, 400, 404))
        await put("notjson", {"schemaVersion": 2, "mediaType": oci, "config": {**layer, "mediaType": config["mediaType"]}, "layers": []}, (201, 400))
        many = {"schemaVersion": 2, "mediaType": oci, "config": config, "layers": [layer]}
        for start in range(0, 2000, 20):
            await asyncio.gather(*(put(f"t{n}", many) for n in range(start, start + 20)))

asyncio.run(main())
"""


@pytest.mark.fault(
    "A registry holds an index, an artifact, 2,000 tags and a config that is not JSON",
    "It is observed within 2 s, and each is reported as what it is",
)
def test_a_registry_that_holds_odd_things(lab):
    """An image index, an OCI artifact, 2,000 tags, a manifest without config, a config that is not JSON."""
    import time

    from labkit.lab.lifecycle import machines
    from labkit.lab.looking.observe import observe
    from labkit.seen.lab import SeenLab

    machines.execute(lab.engine, lab.parts["workstation"].id, ["python3", "-c", ODD])
    start = time.monotonic()
    hub = SeenLab(observe(lab)).registries["hub"]
    assert time.monotonic() - start < 2
    tags = hub.repositories["myusername/odd"]
    assert len([tag for tag in tags if tag.startswith("t")]) == 2000
    kinds = {tag: hub.manifests[tags[tag]].kind for tag in tags if not tag.startswith("t")}
    assert kinds == {"image": "image", "index": "index", "artifact": "artifact", "notjson": "unknown"}
    assert hub.image_ids(tags["index"]) == hub.image_ids(tags["image"]) != set()
    report = labkit("check", "03-push", "--json", check=1)
    assert json.loads(report.stdout)["exercises"][0]["checks"][0]["diagnosis"] == "push-none"
    assert "and 1" in labkit("status", check=0).stdout


@pytest.mark.fault("A notebook's kernel is restarted", "Sign-ins, images and points are as before")
def test_a_kernel_restart_in_the_middle(lab):
    from jupyter_client.manager import KernelManager

    from labkit.lab import environment

    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env={**environment.process(lab), "PYTHONPATH": str(ROOT)}, cwd=str(lab.work))
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)

        def run(code):
            output = []
            client.execute_interactive(
                code, timeout=60, output_hook=lambda message: output.append(json.dumps(message["content"], default=str))
            )
            return "".join(output)

        assert "Login Succeeded" in run("!docker login -u myusername -p mypassword")
        assert "3/3 points" in run("from labkit import check; print(repr(check('01-login')))")
        manager.restart_kernel(now=True)
        client.wait_for_ready(timeout=60)
        assert "3/3 points" in run("from labkit import check; print(repr(check('01-login')))")
        assert "myapp" in run("!docker image ls")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


@pytest.mark.fault(
    "Another program answers on the edge's port", "What the edge would report is unobserved; nothing crashes"
)
def test_an_edge_that_answers_nonsense_is_no_crash(lab):
    """Whatever listens on a machine's port instead of it: told as an error of the lab."""
    from labkit.lab.lab import Instance
    from labkit.lab.looking.observe import observe

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        def serve():
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                connection.sendall(b"nonsense")
                connection.close()

        threading.Thread(target=serve, daemon=True).start()
        edge = lab.parts["edge"]
        fake = Instance(edge.id, "edge", "edge", "running", edge.address, server.getsockname()[1], edge.image)
        seen = observe(replace(lab, parts={**lab.parts, "edge": fake}))
    assert {"registries", "log"} <= set(seen.unobserved)
    assert seen.registries is None
