"""What is tried on the registries' door: bodies that do not end, clients that dawdle, headers that are not a client's to send."""

import asyncio
import base64
import contextlib
import hashlib
import json
import ssl
import threading
from dataclasses import replace

import pytest

HUB, AUTH = "registry-1.docker.io", "auth.docker.io"
FORM = "application/x-www-form-urlencoded"
AIM = 64 * 1024
"""KiB that nginx and the edge may take together, whatever is asked of them."""

SAMPLE = """
import os, time
highest, end = 0, time.monotonic() + {seconds}
while True:
    total = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = open(f"/proc/{{pid}}/cmdline").read()
            if command.startswith("nginx:") or command.endswith("-m\\0edge\\0"):
                total += sum(int(line.split()[1]) for line in open(f"/proc/{{pid}}/status") if line.startswith("RssAnon"))
        except OSError:
            pass  # it has just ended
    highest = max(highest, total)
    if time.monotonic() >= end or os.path.exists("/tmp/measured"):
        break
    time.sleep(0.05)
print(highest)
"""


def on_edge(lab, *command):
    from labkit.lab.lifecycle import machines

    return machines.execute(lab.engine, lab.parts["edge"].id, list(command))


def measured(lab, seconds=0.0):
    """The most memory (KiB of their own) that nginx and the edge had in this time, or until /tmp/measured is there."""
    return int(on_edge(lab, "python3", "-c", SAMPLE.format(seconds=seconds)).split()[-1])


class Door:
    """The registries' door, by hand."""

    def __init__(self, lab):
        self._tls = ssl.create_default_context(cafile=str(lab.folder / "pki/workstation/pki/hub-ca.pem"))
        self._address = lab.parts["edge"].address

    @contextlib.asynccontextmanager
    async def opened(self, host=HUB):
        reader, writer = await asyncio.open_connection(self._address, 443, ssl=self._tls, server_hostname=host)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def ask(self, method, path, body=b"", host=HUB, **headers):
        """The whole answer: status, headers in small letters, body. `body` may be less than a Content_Length says."""
        told = {"Host": host, "Connection": "close", "Content-Length": str(len(body))}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items() if value is not None)
        async with asyncio.timeout(30), self.opened(host) as (reader, writer):
            writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            found = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
            length = found.get("content-length")
            content = (
                b""
                if method == "HEAD"
                else await (reader.read() if length is None else reader.readexactly(int(length)))
            )
            return int(lines[0].split()[1]), found, content

    async def token(self, name, actions="pull", user=None):
        pair = base64.b64encode(f"{user}:mypassword".encode()).decode()
        sign_in = {"Authorization": f"Basic {pair}"} if user else {}
        _, _, body = await self.ask("GET", f"/token?scope=repository:{name}:{actions}", host=AUTH, **sign_in)
        return {"Authorization": f"Bearer {json.loads(body)['token']}"}


@pytest.fixture
def door(running_lab):
    return Door(running_lab)


@pytest.fixture
def fresh(engine, tmp_path):
    """A small lab of its own: what other tests have made an edge keep (its log) is no part of what is measured."""
    from labkit import paths
    from labkit.lab.lifecycle import provision, sweep
    from labkit.lab.plan import Plan

    usual = paths.home()
    home = replace(usual, name=f"{usual.name}-fresh", state=tmp_path / "state", work=tmp_path / "work")
    try:
        with provision.lock(home, print):
            lab = provision.up(engine, home, Plan(home.name, home.work, workers=1), print)
        yield lab
    finally:
        with provision.lock(home, print):
            sweep.everything(engine, home, print)


def codes(body):
    return [one["code"] for one in json.loads(body)["errors"]]


def events(lab):
    from labkit.lab.looking.observe import observe

    return observe(lab, ["log"]).log.events


@pytest.mark.attack("protocol", "a sign-in of 60 MB", "413, before it is read")
def test_a_sign_in_that_does_not_end(running_lab, door):
    before = len(events(running_lab))
    # Nothing of the body is sent: who waited for it would not answer.
    status, _, body = asyncio.run(door.ask("POST", "/token", host=AUTH, Content_Length="60000000", Content_Type=FORM))
    assert (status, codes(body)) == (413, ["SIZE_INVALID"])
    assert b"the body is larger than what is taken here" in body
    chunk = b"7000\r\n" + b"x" * 0x7000 + b"\r\n"
    asked = door.ask(
        "POST", "/token", chunk, host=AUTH, Content_Length=None, Transfer_Encoding="chunked", Content_Type=FORM
    )
    assert asyncio.run(asked)[0] == 413
    assert len(events(running_lab)) == before


@pytest.mark.attack("protocol", "a manifest of 100 MB, and headers of 100 kB", "413 and 400, before they are read")
def test_what_is_larger_than_anything_of_its_kind(door):
    async def main():
        head = await door.token("myusername/app", "pull,push", "myusername")
        status, _, body = await door.ask("PUT", "/v2/myusername/app/manifests/v1", Content_Length="100000000", **head)
        assert (status, codes(body)) == (413, ["SIZE_INVALID"])
        status, _, body = await door.ask("GET", "/v2/", X_Long="x" * 100_000)
        assert (status, codes(body)) == (400, ["UNSUPPORTED"])

    asyncio.run(main())


@pytest.mark.attack(
    "protocol", "a layer of 10 GB, pushed without permission", "401, before it is read; one line in the log"
)
def test_a_layer_that_may_not_be_pushed(running_lab, door):
    async def main():
        head = await door.token("library/busybox", "pull,push", "myusername")
        path = "/v2/library/busybox/blobs/uploads/"
        for method, place in (
            ("POST", path),
            ("PATCH", f"{path}0b5a7c1e?_state=x"),
            ("PUT", f"{path}0b5a7c1e?digest=x"),
        ):
            status, told, body = await door.ask(method, place, b"some", Content_Length="10000000000", **head)
            assert (status, codes(body)) == (401, ["UNAUTHORIZED"])
            assert 'scope="repository:library/busybox:push",error="insufficient_scope"' in told["www-authenticate"]

    before = len(events(running_lab))
    asyncio.run(main())
    assert [event.reason for event in events(running_lab)[before:]] in (["foreign-namespace"], [])


@pytest.mark.attack(
    "protocol",
    "a client that sends its own X-Real-IP and X-Decide",
    "the log shows its real address and what it downloaded",
)
def test_headers_that_are_not_a_clients_to_send(running_lab, door):
    async def main():
        head = await door.token("library/busybox")
        odd = {"X_Real_IP": "10.9.9.9", "X_Decide": "1", "X_Forwarded_For": "10.9.9.9"}
        return await door.ask("GET", "/v2/library/busybox/manifests/latest", User_Agent="pretender", **odd, **head)

    status, _, _ = asyncio.run(main())
    last = events(running_lab)[-1]
    assert (status, last.action, last.agent) == (200, "pull", "pretender")
    assert last.machine != "10.9.9.9"


@pytest.mark.attack("protocol", "asking for the store's files and nginx's internal locations by path", "400 or 404")
def test_places_that_are_nginxs_own(door):
    async def main():
        head = await door.token("library/busybox")
        accept = "application/vnd.docker.distribution.manifest.v2+json"
        _, _, body = await door.ask("GET", "/v2/library/busybox/manifests/latest", Accept=accept, **head)
        digest = json.loads(body)["config"]["digest"]
        file = digest.replace(":", f"/{digest[7:9]}/")
        for path in (
            f"/blobs/{file}/data",
            f"/v2/../blobs/{file}/data",
            f"/v2/%2e%2e/blobs/{file}/data",
            "/decide",
            "/blobs/../../../../edge/access.jsonl",
        ):
            status, _, body = await door.ask("GET", path, **head)
            assert status in (400, 404), path
            assert b"busybox" not in body

    asyncio.run(main())


@pytest.mark.attack(
    "protocol", "an upload whose path leads out of its repository", "refused; nothing is written elsewhere"
)
def test_an_upload_that_leads_elsewhere(running_lab, door):
    async def main():
        head = await door.token("myusername/app", "pull,push", "myusername")
        for path in (
            "/v2/myusername/app/blobs/uploads/../../../../private/taken/blobs/uploads/",
            "/v2/myusername/app/blobs/uploads/%2e%2e/%2e%2e/%2e%2e/%2e%2e/private/taken/blobs/uploads/",
            "/v2/myusername/app/blobs/uploads/..%2f..%2f..%2f..%2fprivate%2ftaken%2fblobs%2fuploads%2f",
        ):
            status, _, body = await door.ask("POST", path, **head)
            assert 400 <= status < 500, (path, status, body)

    asyncio.run(main())
    folder = "/var/lib/registry/docker/registry/v2/repositories/private"
    assert "taken" not in on_edge(running_lab, "sh", "-c", f"ls {folder} || true")


@pytest.mark.attack(
    "protocol", "a mount from somebody else's repository, sent in a form instead of the address", "an ordinary upload"
)
def test_a_mount_in_a_form(door):
    async def main():
        head = await door.token("myusername/app", "pull,push", "myusername")
        pull = await door.token("library/busybox")
        accept = "application/vnd.docker.distribution.manifest.v2+json"
        _, _, body = await door.ask("GET", "/v2/library/busybox/manifests/latest", Accept=accept, **pull)
        digest = json.loads(body)["config"]["digest"]
        form = f"mount={digest}&from=hub/library/busybox".encode()
        status, told, _ = await door.ask("POST", "/v2/myusername/app/blobs/uploads/", form, Content_Type=FORM, **head)
        assert status == 202 and told["location"].startswith("/v2/myusername/app/blobs/uploads/")
        assert (await door.ask("DELETE", told["location"], **head))[0] == 204
        assert (await door.ask("GET", f"/v2/myusername/app/blobs/{digest}", **head))[0] == 404

    asyncio.run(main())


async def used(door, at_once):
    """A push, pulls, and so many requests at once: the statuses of all."""
    name, layer = "myusername/rush", b"\0" * 20_000_000
    digest = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    head = await door.token(name, "pull,push", "myusername")
    _, told, _ = await door.ask("POST", f"/v2/{name}/blobs/uploads/", **head)
    pushed, _, _ = await door.ask("PUT", f"{told['location']}&digest={digest}", layer, **head)
    pull = await door.token("library/busybox")
    asked = [door.ask("HEAD", "/v2/library/busybox/manifests/latest", **pull) for _ in range(at_once)]
    asked += [door.ask("GET", f"/v2/{name}/blobs/{digest}", **head) for _ in range(4)]
    return [pushed, *(status for status, _, _ in await asyncio.gather(*asked))]


@contextlib.contextmanager
def sampling(lab):
    """Gives a list that has, once this is left, the most memory that was taken meanwhile, in KiB."""
    highest = []
    on_edge(lab, "rm", "-f", "/tmp/measured")
    sampler = threading.Thread(target=lambda: highest.append(measured(lab, 60)))
    sampler.start()
    try:
        yield highest
    finally:
        on_edge(lab, "touch", "/tmp/measured")
        sampler.join()
        on_edge(lab, "rm", "-f", "/tmp/measured")


@pytest.mark.attack("protocol", "500 requests at once, beside a push and pulls", "all are served, within 64 MiB")
def test_a_rush(fresh):
    door = Door(fresh)
    with sampling(fresh) as highest:
        statuses = asyncio.run(used(door, 500))
    assert statuses == [201] + [200] * 504
    assert 0 < highest[0] <= AIM


@pytest.mark.attack(
    "protocol",
    "600 clients that never finish their request",
    "others are served, within 64 MiB; the slow ones are dropped after 10 s and their memory is freed",
)
def test_slow_clients(fresh):
    from helpers import until

    door = Door(fresh)

    async def main():
        async with contextlib.AsyncExitStack() as stack:
            slow = []
            for _ in range(600):
                reader, writer = await stack.enter_async_context(door.opened())
                writer.write(f"GET /v2/ HTTP/1.1\r\nHost: {HUB}\r\n".encode())
                slow.append(reader)
            statuses = await used(door, 10)
            async with asyncio.timeout(40):
                for reader in slow:
                    with contextlib.suppress(OSError):
                        assert not await reader.read(1000)
            return statuses

    with sampling(fresh) as highest:
        statuses = asyncio.run(main())
    assert statuses == [201] + [200] * 14
    assert 0 < highest[0] <= AIM
    until(lambda: measured(fresh) <= 48 * 1024, "memory is given back")
