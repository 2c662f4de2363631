"""The edge between nginx and the store: what it tells nginx, and what is done with half uploads. nginx itself needs a lab."""

import asyncio
import base64
import contextlib
import os
import signal
import sys
from pathlib import Path

import aiohttp
import pytest
from aiohttp import test_utils, web

from labkit.edge import store as behind
from labkit.edge import supervisor
from labkit.edge.flavours import flavours
from labkit.edge.front import Front
from labkit.edge.log import AccessLog
from labkit.edge.shelf import Shelf
from labkit.edge.uploads import IDLE, Uploads

NAME = "myusername/app"
LAYER = "sha256:" + "a" * 64
CONFIG = "sha256:" + "b" * 64
PLACE = f"/v2/{NAME}/blobs/uploads/"


@pytest.fixture
def root(tmp_path):
    """A store's folder with a layer, and a link to one that is gone."""
    top = tmp_path / "docker/registry/v2"
    for digest in (LAYER, CONFIG):
        link = top / "repositories/hub" / NAME / "_layers/sha256" / digest[7:] / "link"
        link.parent.mkdir(parents=True)
        link.write_text(digest)
    blob = top / "blobs/sha256/aa" / LAYER[7:] / "data"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"layer")
    return tmp_path


class Asked:
    """The front, asked as nginx asks it."""

    def __init__(self, root, tmp_path):
        self.log = AccessLog(tmp_path / "access.jsonl")
        self.socket = tmp_path / "store.sock"
        self.root = root
        self.seen = []

    async def _store(self, request):
        self.seen.append((request.method, request.path_qs, await request.read()))
        return web.Response(body=b'{"name":"hub/x"}', headers={"Content-Type": "application/json"})

    def __call__(self, *questions, store=True):
        """(method, path, headers) each; gives (status, headers) each. Signed in as one who may pull and push."""
        return asyncio.run(self._all(questions, store))

    async def _all(self, questions, store):
        async with contextlib.AsyncExitStack() as stack:
            if store:
                app = web.Application()
                app.router.add_route("*", "/{any:.*}", self._store)
                runner = web.AppRunner(app, shutdown_timeout=0)
                await runner.setup()
                stack.push_async_callback(runner.cleanup)
                await web.UnixSite(runner, str(self.socket)).start()
            connector = aiohttp.UnixConnector(str(self.socket))
            session = await stack.enter_async_context(aiohttp.ClientSession("http://store", connector=connector))
            known = behind.Store(session, str(self.socket))
            front = Front(flavours(self.root / "kept"), self.log, Shelf(self.root), known)
            client = await stack.enter_async_context(test_utils.TestClient(test_utils.TestServer(front.app())))
            host = {"Host": "registry-1.docker.io", "X-Real-IP": "10.0.0.7"}
            sign_in = f"Basic {base64.b64encode(b'myusername:mypassword').decode()}"
            scope = {"scope": f"repository:{NAME}:pull,push"}
            async with client.get("/token", params=scope, headers={**host, "Authorization": sign_in}) as answer:
                host["Authorization"] = f"Bearer {(await answer.json())['token']}"
            told = []
            for method, path, headers in questions:
                async with client.request(method, path, headers={**host, **headers}) as answer:
                    told.append((answer.status, answer.headers, await answer.text()))
            return told


@pytest.fixture
def ask(root, tmp_path):
    asked = Asked(root, tmp_path)
    yield asked
    asked.log.close()


def test_a_blob_is_given_out_by_its_place_and_noted(ask):
    ((status, headers, body),) = ask(("GET", f"/v2/{NAME}/blobs/{LAYER}", {}))
    assert (status, body) == (200, "")
    assert headers["X-Accel-Redirect"] == f"/blobs/sha256/aa/{LAYER[7:]}/data"
    assert (headers["Docker-Content-Digest"], headers["ETag"]) == (LAYER, f'"{LAYER}"')
    assert headers["Content-Type"] == "application/octet-stream"
    (event,) = ask.log.events
    assert [event[key] for key in ("action", "client", "digest", "status")] == ["blob", "10.0.0.7", LAYER, 200]
    assert ask.seen == []


def test_what_is_not_there_or_known_already_is_told_by_the_edge(ask):
    gone, never, known, part = ask(
        ("GET", f"/v2/{NAME}/blobs/{CONFIG}", {}),
        ("HEAD", f"/v2/{NAME}/blobs/sha256:{'c' * 64}", {}),
        ("GET", f"/v2/{NAME}/blobs/{LAYER}", {"If-None-Match": f'"{LAYER}"'}),
        ("GET", f"/v2/{NAME}/blobs/{LAYER}", {"Range": "bytes=1-2"}),
    )
    assert gone[0] == never[0] == 404 and "BLOB_UNKNOWN" in gone[2] and CONFIG in gone[2]
    assert known[0] == 304 and "X-Accel-Redirect" not in known[1]
    assert part[0] == 206 and part[1]["X-Accel-Redirect"]
    assert [event["status"] for event in ask.log.events] == [404, 304, 206]


def test_an_upload_is_only_decided_upon(ask):
    begun, put, own = ask(
        ("POST", PLACE, {"X-Decide": "1"}),
        ("PUT", f"{PLACE}0b-1?digest={LAYER}&_state=a%3D", {"X-Decide": "1"}),
        ("PATCH", f"{PLACE}0b-1?_state=a%3D", {}),
    )
    assert (begun[0], begun[1]["X-Place"]) == (204, f"/v2/hub/{NAME}/blobs/uploads/")
    assert put[1]["X-Place"] == f"/v2/hub/{NAME}/blobs/uploads/0b-1?digest={LAYER}&_state=a%3D"
    assert own[0] == 503 and "The store was being started." in own[2]  # asked again, though nothing is refused any more
    assert ask.seen == []


def test_what_is_refused_is_noted_once_when_it_is_answered(ask):
    foreign = "/v2/colleague/app/blobs/uploads/"
    asked, answered = ask(("POST", foreign, {"X-Decide": "1"}), ("POST", foreign, {}))
    assert (asked[0], answered[0]) == (403, 401)
    assert 'scope="repository:colleague/app:push"' in answered[1]["WWW-Authenticate"]
    assert [event["action"] for event in ask.log.events] == ["push"]
    elsewhere = ask(("POST", PLACE, {"X-Decide": "1", "Host": "elsewhere"}))
    assert elsewhere[0][0] == 403


def test_a_question_does_nothing_however_its_path_looks(ask):
    for path in (f"/v2/{NAME}/manifests/v1", f"/v2/{NAME}/blobs/{LAYER}", f"{PLACE}..%2fx"):
        ((status, headers, _),) = ask(("DELETE", path, {"X-Decide": "1"}))
        assert status == 403 and "X-Place" not in headers
    assert ask.seen == []


def test_an_upload_waits_for_no_store_for_ever(ask, monkeypatch):
    monkeypatch.setattr(behind, "PATIENCE", 0.05)
    asked, answered = ask(("POST", PLACE, {"X-Decide": "1"}), ("POST", PLACE, {}), store=False)
    assert asked[0] == 403
    assert answered[0] == 503 and "The store does not run." in answered[2]


def test_a_manifest_is_passed_on_with_its_body_and_noted(ask):
    ((status, headers, body),) = ask(("GET", f"/v2/{NAME}/manifests/v1", {}))
    assert (status, headers["Content-Length"], body) == (200, "16", '{"name":"hub/x"}')
    assert ask.seen == [("GET", f"/v2/hub/{NAME}/manifests/v1", b"")]
    assert [event["action"] for event in ask.log.events] == ["pull"]


def test_all_parts_are_asked():
    class Fine:
        async def ask(self):
            pass

    class Down:
        async def ask(self):
            raise behind.StoreDown("The registries' door does not run.")

    asyncio.run(behind.Parts(Fine(), Fine()).ask())
    with pytest.raises(behind.StoreDown, match="door does not run"):
        asyncio.run(behind.Parts(Fine(), Down()).ask())


# ── half uploads ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def upload(root, repository, name, data=b"half"):
    folder = root / "docker/registry/v2/repositories" / repository / "_uploads" / name
    folder.mkdir(parents=True)
    (folder / "startedat").write_text("1970-01-01T00:00:00Z")  # however old it says that it is
    if data is not None:
        (folder / "data").write_bytes(data)
    return folder


def test_half_uploads_go_after_an_hour_without_a_byte(tmp_path):
    clock = Clock()
    uploads = Uploads(tmp_path, clock)
    half, bare = upload(tmp_path, "hub/me/app", "half"), upload(tmp_path, "private/a/b/c", "bare", None)
    going_on = upload(tmp_path, "hub/me/app", "going-on")
    kept = tmp_path / "docker/registry/v2/repositories/hub/me/app/_layers/sha256/x/link"
    kept.parent.mkdir(parents=True)
    kept.write_text("x")
    assert uploads.purge() == []
    clock.now = IDLE - 1
    assert uploads.purge() == []
    with (going_on / "data").open("ab") as file:
        file.write(b"more")
    clock.now = IDLE + 1
    assert sorted(uploads.purge()) == sorted([str(half), str(bare)])
    assert not half.exists() and not bare.exists() and going_on.exists() and kept.exists()
    clock.now = 2 * IDLE
    assert uploads.purge() == []
    clock.now = 2 * IDLE + 1
    assert uploads.purge() == [str(going_on)]


def test_half_uploads_where_there_is_no_store_yet(tmp_path):
    assert Uploads(tmp_path / "nothing").purge() == []


# ── programs ─────────────────────────────────────────────────────────────────────────────────────────────────────────

MASTER = """
import os, subprocess, sys, time
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
with open(sys.argv[1], "a") as file:
    print(os.getpid(), worker.pid, file=file, flush=True)
time.sleep(60)
"""


async def all_ended(pids):
    async with asyncio.timeout(10):
        while not all(ended(pid) for pid in pids):
            await asyncio.sleep(0.01)


async def started(file, runs):
    async with asyncio.timeout(20):
        while not file.exists() or len(lines := file.read_text().splitlines()) < runs:
            await asyncio.sleep(0.01)
    return [int(pid) for pid in lines[-1].split()]


def ended(pid):
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True


def test_a_master_that_is_killed_takes_its_workers_along(tmp_path, monkeypatch):
    """Else nginx's workers go on, and keep the ports from the next master."""
    monkeypatch.setattr(supervisor, "PAUSES", (0.01,) * 4)
    file = tmp_path / "runs"

    async def main():
        keeping = asyncio.create_task(supervisor.keep_running((sys.executable, "-c", MASTER, str(file))))
        master, worker = await started(file, 1)
        os.kill(master, signal.SIGKILL)
        again = await started(file, 2)
        await all_ended([worker])
        keeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await keeping
        await all_ended(again)

    asyncio.run(main())


def test_one_that_is_given_up_ends_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "PAUSES", (0.01,))
    file = tmp_path / "runs"
    programs = {
        "The store": (sys.executable, "-c", MASTER, str(file)),
        "The registries' door": (sys.executable, "-c", "import sys; sys.exit(3)"),
    }
    told = asyncio.run(supervisor.keep_all_running(programs))
    assert told == f"The registries' door does not run: {sys.executable} ended with exit code 3, 2 times in a row."
    if file.exists():
        asyncio.run(all_ended([int(pid) for pid in file.read_text().split()]))
