"""A classroom with JupyterHub at a school: its certificate is one that browsers know, and JupyterLabs in which nothing happens
are stopped. Real ones: of one learner whose kernel works, of one with an open tab, and of one whose panel alone is still read."""

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import pwd
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import httpx
import hubs
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from helpers import until
from hubs import servers

from labkit import reaching

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make users")

WORKSHOP = f"school{os.getpid()}"
HOST = "lab.school.test"
ADA, GRACE, LI = "ada", "grace", "li"
IDLE = 40
"""Seconds: longer than a busy machine takes to show JupyterLab without asking for anything."""


@pytest.fixture(scope="module")
def school(engine, tmp_path_factory):
    """The classroom, with three learners' JupyterLabs open; HOST leads to this machine, as the school's DNS would say."""
    authority, folder = trustme.CA(), tmp_path_factory.mktemp("given")
    chain, key = folder / "chain.pem", folder / "key.pem"
    leaf = authority.issue_cert(HOST)
    chain.write_bytes(b"".join(one.bytes() for one in leaf.cert_chain_pems))
    key.touch(0o600)
    key.write_bytes(leaf.private_key_pem.bytes())
    learners = {ADA: "Ada", GRACE: "Grace", LI: "Li"}
    words = ["--certificate", str(chain), "--certificate-key", str(key), "--idle", f"{IDLE}s"]
    known, asked = socket.getaddrinfo, pytest.MonkeyPatch()
    asked.setattr(
        socket, "getaddrinfo", lambda host, *more, **named: known("127.0.0.1" if host == HOST else host, *more, **named)
    )
    try:
        with hubs.classroom(WORKSHOP, learners, *words) as one:
            one.tls = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())  # what a browser knows
            there = {ident: one.browser() for ident in learners}
            for ident, browser in there.items():
                assert browser.by_code(ident, one.code).headers["location"] == "/me"
            with ThreadPoolExecutor() as pool:
                list(pool.map(hubs.Browser.open, there.values()))
            yield SimpleNamespace(room=one, authority=authority, chain=chain, key=key, **there)
    finally:
        asked.undo()


def shown(port, name, authority):
    """The certificate that is shown at that port to who asks for the name, and trusts that authority alone."""
    trusting = ssl.create_default_context(cadata=authority)
    place = ("127.0.0.1", port)
    with socket.create_connection(place, 10) as plain, trusting.wrap_socket(plain, server_hostname=name) as wrapped:
        return wrapped.getpeercert(binary_form=True)


async def executed(who, kernel, code):
    """Has a kernel run the code, waits until it has begun, and leaves."""
    ident, message = hubs.execute_request(code)
    async with who.websocket(f"api/kernels/{kernel}/channels") as connection:
        await connection.write_message(message)
        while True:
            told = json.loads(await asyncio.wait_for(connection.read_message(), 60))
            if told["msg_type"] == "stream" and told["parent_header"]["msg_id"] == ident:
                break


@contextlib.contextmanager
def chromium(school):
    """A Chromium that takes this school's certificate, and no other that it does not know."""
    from driver import browser

    public = x509.load_pem_x509_certificate(school.chain.read_bytes()).public_key()
    form = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pin = base64.b64encode(hashlib.sha256(form).digest()).decode()
    words = [f"--host-resolver-rules=MAP {HOST} 127.0.0.1", f"--ignore-certificate-errors-spki-list={pin}"]
    with browser(*words) as one:
        yield one


def kernel(who, code):
    """The id of a new kernel, which runs that."""
    made = who.kernel()
    asyncio.run(executed(who, made, code))
    return made


def test_the_ports_for_browsers_show_the_certificate_that_browsers_know(school):
    """The three JupyterLabs were opened with it. Whoever asks for another name at the classroom's port is shown its own."""
    one, known = school.room, school.authority.cert_pem.bytes().decode()
    given = x509.load_pem_x509_certificate(school.chain.read_bytes()).public_bytes(Encoding.DER)
    own = (one.folder / "tls" / "ca.pem").read_text()
    classroom, hub = (httpx.URL(url).port for url in (one.address, one.hub))
    assert shown(classroom, HOST, known) == shown(hub, HOST, known) == given
    for name in ("127.0.0.1", reaching.NAME):
        assert shown(classroom, name, own) != given


def stops(one):
    """What the classroom's log says of JupyterLabs that were stopped."""
    return [line for line in one.log("jupyter") if "is stopped" in line]


@pytest.mark.fault(
    "A learner leaves a JupyterLab, and their browser goes on reading the panel only",
    "JupyterLab is stopped after `--idle`, and both the log and the learner are told; who works, or has the tab open, goes on",
)
def test_an_idle_jupyterlab_is_stopped_and_one_in_use_is_not(school):
    one, ada, grace, li = school.room, school.ada, school.grace, school.li
    home = Path(pwd.getpwnam(ada.name).pw_dir)
    li.open()  # each of them may have been stopped by now: that takes less time than a test
    li_works = kernel(li, "import time\nfor step in range(10**6):\n    print(step, flush=True)\n    time.sleep(1)")
    with chromium(school) as browser:
        context = browser.new_context()
        grace.open()
        kept = [
            {"name": c.name, "value": c.value, "domain": HOST, "path": c.path, "secure": c.secure}
            for c in grace.web.cookies.jar
        ]
        context.add_cookies(kept)
        tab = context.new_page()
        assert tab.goto(grace.server("lab")).status == 200
        tab.wait_for_function("window.jupyterapp && window.jupyterapp.commands", timeout=120_000)
        ada.open()
        key = next(iter(ada.web.get(ada.server("labkit/pages")).json().values()))
        with ada.web.stream("GET", ada.server(f"labkit/pages/{key}"), timeout=240) as panel:
            assert panel.status_code == 200
            next(panel.iter_raw())
            before = stops(one)
            (home / "registry-lab" / "kept.txt").write_text("mine")  # no request: nothing happened in JupyterLab
            until(lambda: not servers(ada.name), "the end of Ada's JupyterLab", 180)
        # Nobody has done anything in these for as long, either: a kernel prints, and a tab is open.
        assert servers(li.name) and servers(grace.name)
        (told,) = stops(one)[len(before) :]
        assert told.startswith("JupyterLab is stopped: nothing happened in it for ")
        tab.close()
    li.web.post(li.server(f"api/kernels/{li_works}/interrupt"), headers={"X-XSRFToken": li.xsrf})
    for who in (grace, li):  # the tab is closed, and the kernel has nothing to do
        until(lambda who=who: not servers(who.name), f"the end of {who.name}'s", 180)
    # Ada comes back: she is told, and her file is there.
    ada.go(f"{one.address}/jupyter")
    until(lambda: "spawn-pending" in ada.web.get(f"{one.hub}/hub/spawn").headers.get("location", ""), "the start")
    xsrf = next(c.value for c in ada.web.cookies.jar if c.name == "_xsrf" and c.path == "/hub/")
    head = {"X-XSRFToken": xsrf, "Referer": f"{one.hub}/hub/", "sec-fetch-mode": "cors"}
    shows = f"{one.hub}/hub/api/users/{ada.name}/server/progress"
    with ada.web.stream("GET", shows, headers=head, timeout=120) as progress:
        said = [json.loads(line[6:])["message"] for line in progress.iter_lines() if line.startswith("data: ")]
    assert any("JupyterLab was stopped: nothing happened in it for" in text for text in said), said
    assert ada.open().web.get(ada.server("api/contents/kept.txt")).json()["content"] == "mine"


@pytest.mark.fault(
    "The certificate is renewed while the classroom runs: the file of its key is written later",
    "the one before is shown meanwhile, which JupyterHub's log says, and then the new one; nothing is restarted",
)
def test_a_renewed_certificate_is_shown_without_a_restart(school):
    one, known = school.room, school.authority.cert_pem.bytes().decode()
    ports = [httpx.URL(url).port for url in (one.address, one.hub)]
    before, proxy, log = shown(ports[1], HOST, known), one.child("proxy.mjs"), one.folder / "hub" / "proxy.log"
    renewed = school.authority.issue_cert(HOST)
    school.chain.write_bytes(b"".join(one.bytes() for one in renewed.cert_chain_pems))
    until(lambda: "has changed and cannot be used, the one before is" in log.read_text(), "the proxy's word", 40)
    assert [shown(port, HOST, known) for port in ports] == [before, before]
    school.key.write_bytes(renewed.private_key_pem.bytes())
    wanted = ssl.PEM_cert_to_DER_cert(renewed.cert_chain_pems[0].bytes().decode())
    for port in ports:
        until(lambda port=port: shown(port, HOST, known) == wanted, "the new certificate", 40)
    assert one.child("proxy.mjs") == proxy
    assert school.ada.open()
