"""A classroom with JupyterHub, as it is on a server: two learners with real labs and a JupyterLab each, and what each of them
tries on the other's."""

import base64
import contextlib
import http.client
import http.server
import json
import os
import pwd
import re
import signal
import stat
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import httpx
import hubs
import psutil
import pytest
from helpers import ATTEMPT, until
from hubs import PAGE, servers

from labkit.classroom.hub import authenticator, config, limits, users
from labkit.classroom.records import people, talk

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make users")

WORKSHOP = f"hub{os.getpid()}"
ADA, LI = "ada", "李小龙 <b>"


@pytest.fixture(scope="module")
def room(engine):
    """The classroom, with Ada's and Li's JupyterLab open."""
    with hubs.classroom(WORKSHOP, {ADA: "Ada Lovelace", LI: "Li"}) as one:
        ada, li = one.browser(), one.browser()
        assert ada.by_code(ADA, one.code).headers["location"] == "/me"
        assert li.by_link(one.link(LI)).headers["location"] == "/me"
        with ThreadPoolExecutor() as pool:
            list(pool.map(hubs.Browser.open, (ada, li)))
        yield SimpleNamespace(room=one, ada=ada, li=li)


def test_each_has_the_lab_with_panel_and_notebooks(room):
    for who in (room.ada, room.li):
        pages = who.web.get(who.server("labkit/pages"))
        assert pages.status_code == 200
        assert "03-push.ipynb" in pages.json()
        names = {one["name"] for one in who.web.get(who.server("api/contents/")).json()["content"]}
        assert {"00-start.ipynb", "03-push.ipynb"} <= names
    told = room.ada.shell("docker --context workstation info --format '{{.Name}}'; labkit check 01-login")
    assert "workstation" in told
    assert "0/3 points" in told or "01-login" in told.split("end", 1)[1], told


def test_a_learner_is_helped_in_jupyterlab(room):
    """The server that JupyterHub has started knows its classroom: a hand is raised there, and shown in the panel."""
    click = {"do": "hand", "arg": "", "text": "from JupyterLab"}
    page, xsrf = room.ada.server("labkit/pages/01-login"), {"X-XSRFToken": room.ada.xsrf}
    assert room.ada.web.post(page, json=click, headers=xsrf).status_code == 202

    def up(session, key, workshop):
        hand = talk.hand(session, people.by_ident(session, workshop, ADA))
        return hand.said if hand else ""

    until(lambda: room.room.database(up) == "from JupyterLab", "the raised hand")
    with room.ada.web.stream("GET", page, timeout=60) as stream:
        shown = next(line for line in stream.iter_lines() if "from JupyterLab" in line)
    assert "Your hand is raised" in shown


@pytest.mark.attack(
    "identity",
    "a kernel's port, from another user of the server",
    "there is none: sockets in a folder of the learner's",
)
def test_a_kernel_listens_where_only_its_user_comes(room):
    ada = room.ada
    made = ada.web.post(ada.server("api/kernels"), json={}, headers={"X-XSRFToken": ada.xsrf})
    assert made.status_code == 201, made.text
    kernel = f"kernel-{made.json()['id']}"
    sockets = until(lambda: list((users.RUN / ada.name).glob(f"{kernel}-ipc-*")), "the kernel's sockets")
    assert all(one.is_socket() for one in sockets)
    assert not (users.RUN / ada.name).stat().st_mode & 0o077
    ada.web.delete(ada.server(f"api/kernels/{made.json()['id']}"), headers={"X-XSRFToken": ada.xsrf})


@pytest.mark.attack(
    "identity",
    "another learner's home, keys and processes, the hub's secrets and the engine's socket, from JupyterLab's terminal",
    "permission denied: each learner is a system user",
)
def test_two_learners_are_two_users_who_cannot_read_each_other(engine, room):
    one, other = room.ada, room.li
    settings, _ = room.room.settings
    for who in (one, other):
        known = pwd.getpwnam(who.name)
        home = Path(known.pw_dir)
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        assert home.parent == Path(settings.homes)
        assert f"uid={known.pw_uid}({who.name}) gid={known.pw_gid}({who.name})" in who.shell("id")
    mine, theirs = pwd.getpwnam(one.name).pw_dir, pwd.getpwnam(other.name).pw_dir
    server = next(p for p in psutil.process_iter(["username", "pid"]) if p.info["username"] == other.name)
    tried = {
        f"ls {theirs}": "Permission denied",
        f"ls {Path(theirs).parent}": "Permission denied",
        f"cat {theirs}/lab/pki/client/key.pem": "Permission denied",
        f"cat {room.room.folder}/hub/secrets.json": "Permission denied",
        f"cat {room.room.folder}/broker.token": "Permission denied",
        f"cat {settings.tls_key}": "Permission denied",
        f"cat /proc/{server.pid}/environ": "Permission denied",
        f"cat /proc/{room.room.process.pid}/environ": "Permission denied",
        f"ls /run/labkit {users.RUN / other.name}": "Permission denied",
        f"kill {server.pid}": "not permitted",
        f"docker -H {engine.url} ps": "permission denied",
        "sudo -n id || su -c id </dev/null || echo no": "no",
        f"touch {mine}/mine && ls {mine}": "mine",
    }
    told = one.shell("\n".join(f"echo '# {number}'; {script}" for number, script in enumerate(tried)))
    _, *said = re.split(r"# \d+\r\n", told)
    assert len(said) == len(tried), told
    for (script, expected), answer in zip(tried.items(), said, strict=True):
        assert expected in answer, (script, answer)
    lines = " ".join(" ".join(p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"]))
    _, secrets = room.room.settings
    assert not [one for one in (secrets.classroom, secrets.service, secrets.proxy, secrets.guard) if one in lines]


def test_a_learners_share_of_the_machine(room):
    where = Path(f"/proc/{next(iter(servers(room.ada.name)))}/cgroup").read_text()
    if limits.ROOT.joinpath("memory").is_dir() or limits.ROOT.joinpath("cgroup.controllers").exists():
        assert f"/{limits.OURS}/{room.ada.name}" in where


APP = r"""mkdir -p /www/cgi-bin; cd /www
printf '<!doctype html><title>app</title><link rel=stylesheet href=/style.css><h1>shown</h1><script src=/own.js></script>
<form action=/cgi-bin/env method=post><button name=a value=b>Go</button></form>' >index.html
echo 'h1 { color: rgb(1, 2, 3) }' >style.css; echo 'window.ran = true' >own.js
printf '#!/bin/sh\necho Content-Type: text/plain; echo "Set-Cookie: app=kept"; echo "Clear-Site-Data: \\"*\\""; echo; head -c ${CONTENT_LENGTH:-0} >/dev/null; env' >cgi-bin/env
printf '#!/bin/sh\necho "Status: 302 Found"; echo Location: /../../../../../../hub/api; echo' >cgi-bin/leave
chmod +x cgi-bin/*; exec httpd -f -p 9000 -h /www"""
"""An app in busybox: a page with links from the root, and programs that say what they are sent, set cookies, and lead away."""

ATTACK = """async ({name, own}) => {
  ATTEMPT
  const jupyter = `/user/${name}/`;
  const violated = (directive, fail) => document.addEventListener('securitypolicyviolation',
    (event) => { if (event.effectiveDirective === directive) fail(event) });
  const loaded = (tag, src) => new Promise((done, fail) => {
    violated(tag === 'iframe' ? 'frame-src' : 'script-src-elem', fail);
    const one = document.createElement(tag); one.src = src; one.onload = () => done('loaded'); one.onerror = fail; document.body.append(one) });
  for (const path of [`${jupyter}api/contents`, '/hub/api/user', `${jupyter}labkit/app/${'x'.repeat(43)}/other/`]) {
    await attempt(`read ${path}`, async () => (await fetch(path, {credentials: 'include'})).status);
    await attempt(`post ${path}`, async () => (await fetch(path, {method: 'POST', mode: 'no-cors', credentials: 'include', body: '{}'})).type);
    await attempt(`script ${path}`, () => loaded('script', path));
    await attempt(`frame ${path}`, () => loaded('iframe', path)) }
  await attempt('cookies', () => document.cookie);
  await attempt('storage', () => localStorage.length);
  await attempt('opener', () => opener.document.title);
  await attempt('opener leads', () => { opener.location.href = 'about:blank' });
  await attempt('worker', () => navigator.serviceWorker.register(`${own}own.js`));
  await attempt('socket', () => new Promise((done, fail) => {
    const one = new WebSocket(`wss://${new URL(own).host}${jupyter}api/events/subscribe`); one.onopen = () => done('open'); one.onerror = fail }));
  await attempt('form', () => new Promise((done, fail) => {
    violated('form-action', fail);
    const form = document.createElement('form'); form.method = 'POST'; form.action = `${jupyter}labkit/pages/start`;
    document.body.append(form); form.submit(); setTimeout(done, 2000, 'sent') }));
  const opened = window.open(`${jupyter}lab`);
  told.opened = opened ? 'opened' : 'refused';
  const left = await fetch(`${own}cgi-bin/leave`);
  return [told, left.url, (await fetch(`${own}cgi-bin/env`, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{}'})).status, window.ran, getComputedStyle(document.querySelector('h1')).color];
}""".replace("ATTEMPT", ATTEMPT)


@pytest.fixture(scope="module")
def page(room):
    """The path of the page of an app that Ada has deployed."""
    kept = base64.b64encode(APP.encode()).decode()
    made = f'docker --context workstation service create --quiet --name evil busybox sh -c "$(echo {kept} | base64 -d)"'
    told = room.ada.shell(f"{made}; echo 'left='$?; labkit status --json | tr -d '\\n'")
    assert "left=0" in told, told
    return re.search(r'"page": *"([^"]+/evil/)"', re.sub(r"[\r\n]", "", told))[1]


@pytest.mark.attack(
    "pages",
    "another learner, or a stranger, opens the page of a learner's app: on loopback, without its mark, in a path that leads elsewhere",
    "nothing listens on loopback; 404 and 403; the app gets no cookie and no pass of JupyterHub's",
)
def test_the_page_of_an_app_is_below_its_learners_jupyterlab(room, page):
    ada, li, hub = room.ada, room.li, room.room.hub
    assert page.startswith(f"/user/{ada.name}/labkit/app/")
    mark = page.split("/")[5]
    shown = ada.web.get(hub + page)
    assert shown.status_code == 200
    assert f'href="{page}style.css"' in shown.text
    assert shown.headers["content-security-policy"].startswith("sandbox allow-scripts allow-forms allow-modals; ")
    assert shown.headers["set-cookie"].startswith("labkit-app=") and f"; Path={page};" in shown.headers["set-cookie"]
    # All cookies come along, and a pass; and the app hears of none.
    said = ada.web.get(f"{hub}{page}cgi-bin/env", headers={"Authorization": "token secret", "X-Forwarded-Prefix": "/x"})
    assert f"HTTP_X_FORWARDED_PREFIX={page[:-1]}" in said.text
    assert "secret" not in said.text and "jupyterhub" not in said.text and "labkit-server" not in said.text
    assert "app=kept" not in said.headers["set-cookie"] and "clear-site-data" not in said.headers
    assert "HTTP_COOKIE=app=kept" in ada.web.get(f"{hub}{page}cgi-bin/env").text
    # Nothing else is reached this way.
    stranger = li.client()
    part = {"headers": {"sec-fetch-dest": "script", "sec-fetch-mode": "no-cors"}}  # a part of a sandboxed page
    assert stranger.get(hub + page, **part).status_code == 200
    assert li.web.get(hub + page).status_code == 403
    assert stranger.get(hub + page, headers=PAGE).headers["location"].startswith("/hub/labkit/sign-in")
    assert stranger.post(hub + page).status_code == 403
    assert stranger.get(hub + page, headers={"Authorization": "token x"}).status_code == 403
    for who in (li.web, stranger):
        assert who.get(hub + page.replace(mark, "x" * 43), **part).status_code == 404
        assert who.get(hub + page.replace(ada.name, li.name), **part).status_code == 404
        assert who.get(hub + page.replace("/evil/", "/other/"), **part).status_code == 404
        for path in ("../../../../api/contents", "%2e%2e/%2E./..%2f../api", "..%5cx", "./x"):
            assert _raw(room.room, who, page + path).startswith("HTTP/1.1 403"), path
        for path in (page.replace("app", "%61pp", 1), "/" + page, page.replace("/labkit", "/x/../labkit")):
            assert not _raw(room.room, who, path).startswith("HTTP/1.1 200"), path
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "x"}
    assert stranger.get(hub + page, headers=upgrade).status_code == 403
    assert stranger.get(f"{hub}{page}own.js", headers={"Service-Worker": "script"}).status_code == 403
    # Li is on the same machine: no port shows the page there, and no file tells its address.
    ports = {
        one.laddr.port
        for pid in servers(ada.name)
        for one in psutil.Process(pid).net_connections()
        if one.status == psutil.CONN_LISTEN
    }
    server = next(
        url for pid in servers(ada.name) if (url := psutil.Process(pid).environ().get("JUPYTERHUB_SERVICE_URL"))
    )
    assert ports == {httpx.URL(server).port}
    home = pwd.getpwnam(ada.name).pw_dir
    assert "Permission denied" in li.shell(f"cat {home}/lab/jupyter/apps.json")


class Mallory(http.server.BaseHTTPRequestHandler):
    """A learner's server that is not JupyterLab: it answers with whatever its address says."""

    def do_GET(self):
        told = json.loads(base64.urlsafe_b64decode(self.path.rpartition("/")[2] or "e30="))
        self.send_response(302 if "Location" in told else 200)
        for name, value in told.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(json.dumps(dict(self.headers)).encode())

    def log_message(self, *_):
        pass


@pytest.mark.attack(
    "pages",
    "a learner's own program answers at an app's address with a page for other learners: without a sandbox, with cookies, leading to JupyterLab",
    "the proxy makes it a page of no origin, leaves its headers out, and opens it in that learner's browser only",
)
def test_what_is_no_jupyterlab_at_an_apps_address_is_sandboxed_too(room):
    settings, secrets = room.room.settings
    name, mark = "lab-mallory-0", "m" * 43
    below = f"/user/{name}/labkit/app/{mark}/evil/"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mallory)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    routes = f"http://127.0.0.1:{settings.proxy_api}/api/routes/user/{name}"
    access = {"headers": {"Authorization": f"token {secrets.proxy}"}, "trust_env": False}
    client = room.ada.client()

    def get(told, path=below, **headers):
        kept = base64.urlsafe_b64encode(json.dumps(told).encode()).decode()
        return client.get(f"{room.room.hub}{path}{kept}", headers=headers)

    try:
        made = httpx.post(routes, json={"target": f"http://127.0.0.1:{server.server_port}"}, **access)
        assert made.status_code == 201
        own = {"Cookie": f"labkit-server={authenticator.signed(secrets, name)}; jupyterhub-session-id=secret"}
        theirs = {"Cookie": f"labkit-server={authenticator.signed(secrets, room.ada.name)}"}
        assert get({}, **theirs, **PAGE).status_code == 403
        bad = {
            "Set-Cookie": "jupyterhub-session-id=x; Path=/",
            "Clear-Site-Data": '"*"',
            "Content-Security-Policy": "sandbox allow-scripts allow-same-origin",
            "Access-Control-Allow-Credentials": "true",
            "Content-Type": "multipart/x-mixed-replace; boundary=x",
        }
        for headers in (own, {"sec-fetch-dest": "script"}):
            said = get(bad, **headers)
            assert said.status_code == 200 and "secret" not in said.text and "labkit-server" not in said.text
            policy = said.headers["content-security-policy"]
            assert policy.startswith("sandbox allow-scripts allow-forms allow-modals; ") and "same-origin" not in policy
            assert f"connect-src {httpx.URL(room.room.hub).netloc.decode()}{below};" in policy
            assert said.headers["content-type"] == "application/octet-stream"
            assert "access-control-allow-credentials" not in said.headers
            assert "clear-site-data" not in said.headers and "session" not in said.headers.get("set-cookie", "")
        for there in (
            "/hub/api",
            "../../../../../x",
            room.room.address,
            "javascript:x",
            f"{below}%2e%2e/%2e%2e/x",
            "http://[",
        ):
            assert "location" not in get({"Location": there}, **own).headers, there
        for there in (f"{below}next", "https://other.example/x"):
            assert get({"Location": there}, **own).headers["location"].endswith(there)
        # A form of such a page has only the cookie of its own path.
        form = {"Cookie": f"labkit-app={authenticator.signed(secrets, name)}", "Origin": "null", **PAGE}
        assert get({}, **form).status_code == 200
        assert get({}, path=f"/user/{name}/api/", **form).status_code in (302, 403)
    finally:
        httpx.delete(routes, **access)
        server.shutdown()
        server.server_close()


def _raw(room, client, path):
    """The first line of the answer to a path as it stands here."""
    host = httpx.URL(room.hub)
    cookies = "; ".join(f"{one.name}={one.value}" for one in client.cookies.jar)
    with contextlib.closing(
        http.client.HTTPSConnection(host.host, host.port, context=room.tls, timeout=30)
    ) as connection:
        connection.putrequest("GET", path, skip_accept_encoding=True)
        connection.putheader("Cookie", cookies)
        connection.endheaders()
        return f"HTTP/1.1 {connection.getresponse().status}"


@pytest.mark.attack(
    "pages",
    "below JupyterLab's address, the page of an app reads cookies, calls JupyterLab and JupyterHub, posts a form there, leads its opener, registers a service worker",
    "it is a page of no origin: nothing is reached but the app itself",
)
def test_a_hostile_page_in_a_browser_reaches_only_its_app(room, page):
    from driver import browser

    ada, hub = room.ada, room.room.hub
    with browser() as chromium:
        context = chromium.new_context(ignore_https_errors=True)
        context.add_cookies(
            [
                {"name": one.name, "value": one.value, "domain": "127.0.0.1", "path": one.path, "secure": one.secure}
                for one in ada.web.cookies.jar
            ]
        )
        jupyter = context.new_page()
        assert jupyter.goto(ada.server("api/contents")).status == 200  # signed in
        with context.expect_page() as opening:
            jupyter.evaluate("page => { window.open(page) }", page)
        app = opening.value
        app.wait_for_load_state()
        told, left, own, ran, color = app.evaluate(ATTACK, {"name": ada.name, "own": hub + page})
        assert set(told.values()) == {"refused"}, told
        assert (left, own, ran, color) == (f"{hub}{page}hub/api", 200, True, "rgb(1, 2, 3)")
        assert app.url == hub + page
        app.reload()
        app.get_by_role("button", name="Go").click()
        app.wait_for_url("**/cgi-bin/env")
        said = app.content()
        assert "REQUEST_METHOD=POST" in said and "jupyterhub" not in said and "_xsrf" not in said
        assert jupyter.goto(ada.server("api/contents")).status == 200  # still signed in


@pytest.mark.attack(
    "identity",
    "another learner's JupyterLab, with one's own cookies, a forged one, or one's own token past the proxy",
    "403; the other's server gets nothing to see",
)
def test_one_does_not_open_the_others_server(room):
    ada, li = room.ada, room.li
    assert ada.web.get(ada.server("lab", li.name)).status_code == 403
    assert ada.web.get(ada.server("api/contents/", li.name)).status_code == 403
    _, mark = next(one.value for one in ada.web.cookies.jar if one.name == "labkit-server").split(".")
    stranger = ada.client()
    forged = {"Cookie": f"{ada.cookies()}; labkit-server={li.name}.{mark}"}
    assert (
        stranger.get(ada.server("api", li.name), headers={"Cookie": f"labkit-server={li.name}.{mark}"}).status_code
        == 403
    )
    assert stranger.get(ada.server("api/contents/", li.name), headers=forged).status_code == 403
    sent = stranger.get(ada.server("lab", li.name), headers=PAGE)
    assert sent.headers["location"].startswith("/hub/labkit/sign-in")
    # Past the proxy, with a token of Ada's own: Li's server asks the Hub, which says no.
    token = ada.shell("printf 'token=%s\\n' $JUPYTERHUB_API_TOKEN").split("token=")[-1].split()[0]
    direct = next(
        url for pid in servers(li.name) if (url := psutil.Process(pid).environ().get("JUPYTERHUB_SERVICE_URL"))
    )
    assert (
        httpx.get(f"{direct}api/contents/", headers={"Authorization": f"Bearer {token}"}, trust_env=False).status_code
        == 403
    )
    assert (
        stranger.get(ada.server("api/contents/", li.name), headers={"Authorization": f"Bearer {token}"}).status_code
        == 403
    )
    assert stranger.get(ada.server("api/contents/"), headers={"Authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.attack(
    "identity",
    "JupyterHub's sign-in with a guessed, used or foreign code; its questions to the classroom, with another pass",
    "403 and 401, and a line in the log",
)
def test_codes_that_are_wrong_used_or_guessed(room):
    one = room.room
    guest = one.browser()
    assert guest.by_code(ADA, "wrong").status_code == 403
    assert guest.by_code(LI, one.code).status_code == 403  # who is there already
    assert one.log(people.WRONG_CODE)[-1] == "for the id ada"
    for path in ("labkit/entered", "labkit/entered?code=x&state=y"):
        assert guest.web.get(f"{one.hub}/hub/{path}").status_code == 403
    # A code counts once, in the browser in which its sign-in has begun.
    back = room.ada.go(f"{one.address}/jupyter", "/hub/labkit/entered").headers["location"]
    assert guest.web.get(back).status_code == 403
    assert room.ada.go(back).status_code == 200
    begun = room.ada.web.get(f"{one.hub}/hub/labkit/sign-in").headers["location"].partition("state=")[2]
    code = back.partition("code=")[2].partition("&")[0]
    assert room.ada.web.get(f"{one.hub}/hub/labkit/entered?code={code}&state={begun}").status_code == 403
    assert one.log(people.REFUSED)[-1] == "a wrong or used code for JupyterHub"
    for path in ("sign-in", "may", "lab"):
        body = {"code": "x"} if path == "sign-in" else {"name": room.li.name, "folder": "/tmp/x"}
        for token in ("x", (one.folder / "broker.token").read_text()):
            refused = room.ada.web.post(
                f"{one.address}/api/hub/{path}", json=body, headers={"Authorization": f"Bearer {token}"}
            )
            assert refused.status_code == 401
    assert guest.go(f"{one.hub}/hub/home").url.path == "/sign-in"


def test_with_jupyterhubs_sign_in_into_the_classroom(room):
    one, guest = room.room, room.room.browser()
    for cookie in room.ada.web.cookies.jar:
        if not cookie.name.startswith("__Host-"):
            guest.web.cookies.jar.set_cookie(cookie)
    assert guest.go(f"{one.address}/me").url.path == "/sign-in"
    there = guest.go(f"{one.address}/sign-in/hub")
    assert there.url.path == "/me"
    assert "Ada Lovelace" in there.text
    assert guest.go(f"{one.address}/sign-in/hub/back?code=x&state=y").status_code == 409
    out = guest.web.post(
        f"{one.address}/me/sign-out", data={"csrf": there.text.partition('name="csrf" value="')[2].partition('"')[0]}
    )
    assert out.headers["location"] == "/sign-in"
    assert not [cookie.name for cookie in guest.web.cookies.jar if cookie.name == "jupyterhub-hub-login"]


@pytest.mark.attack(
    "identity",
    "JupyterHub's sign-in into the classroom: with another place to come back to, another client, a code that was used, another "
    "client's code, and another browser's state",
    "JupyterHub sends nobody elsewhere; 409 at the classroom, and nobody is signed in",
)
def test_jupyterhubs_sign_in_is_for_this_classroom_alone(room):
    one, ada = room.room, room.ada
    here, there = f"{one.address}/sign-in/hub", f"{one.hub}/hub/api/oauth2/authorize"

    def asked(**more):
        told = {"client_id": config.CLIENT, "redirect_uri": f"{here}/back", "response_type": "code", "state": "s"}
        return ada.web.get(there, params={name: value for name, value in (told | more).items() if value is not None})

    for more in (
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": f"{here}/back@evil.example"},
        {"redirect_uri": f"{here}/back/../../log"},
        {"redirect_uri": f"{one.hub}/user/{ada.name}/x"},
        {"client_id": "another"},
        {"client_id": None},
    ):
        answer = asked(**more)
        assert answer.status_code >= 400, (more, answer.headers.get("location"))
        assert "evil.example" not in answer.headers.get("location", "")
    implicit = asked(response_type="token").headers.get("location", "")
    assert implicit.startswith(f"{here}/back?error="), "no token is told to a browser"
    guest = one.browser()

    def back(code, state, browser=guest):
        return browser.web.get(f"{here}/back", params={"code": code, "state": state})

    def begun(browser):
        """A sign-in has begun in this browser; its state."""
        return re.search("state=([^&]+)", browser.web.get(here).headers["location"])[1]

    def code(**more):
        return re.search("[?&]code=([^&]+)", asked(**more).headers["location"])[1]

    assert back(code(), "s").status_code == 409, "no sign-in has begun in this browser"
    assert back(code(), begun(ada)).status_code == 409, "another browser's state"
    begun(guest)
    assert back(code(), "").status_code == 409
    theirs = code(client_id=f"jupyterhub-user-{ada.name}", redirect_uri=f"/user/{ada.name}/oauth_callback")
    assert back(theirs, begun(guest)).status_code == 409, "a code for somebody's server is none for the classroom"
    once = code()
    assert back(once, begun(guest)).status_code == 303, "one's own code, in the browser in which it was begun"
    other = one.browser()
    assert back(once, begun(other), other).status_code == 409, "and it counts once"
    assert other.web.get(f"{one.address}/me").headers["location"] == "/sign-in"


def test_the_instructor_sees_servers_and_stops_them(room):
    one, boss = room.room, room.room.browser()
    assert boss.by_link(one.instructor).headers["location"] == "/board"
    page = boss.go(f"{one.address}/jupyter")
    assert page.url.path == "/hub/admin"
    xsrf = next(c.value for c in boss.web.cookies.jar if c.name == "_xsrf")
    api = {"headers": {"X-XSRFToken": xsrf, "Referer": str(page.url), "sec-fetch-mode": "cors"}}
    there = {user["name"]: user["servers"] for user in boss.web.get(f"{one.hub}/hub/api/users", **api).json()}
    assert there[room.li.name]
    assert boss.web.get(boss.server("lab", room.li.name)).status_code in (302, 403)
    assert boss.go(boss.server("lab", room.li.name)).status_code == 403  # seen, and not opened: it is a program of Li's
    assert boss.web.post(f"{one.hub}/hub/api/users/{room.li.name}/tokens", json={}, **api).status_code in (403, 404)
    stopped = boss.web.delete(f"{one.hub}/hub/api/users/{room.li.name}/server", **api)
    assert stopped.status_code in (202, 204), stopped.text
    # It hears Ctrl-C; JupyterHub would send another signal after 10 s.
    until(lambda: not servers(room.li.name), "the end of Li's processes", 8)


@pytest.mark.fault(
    "JupyterHub or its proxy is killed",
    "It is started again; the learners' servers and kernels go on, and one service stops idle ones",
)
def test_what_dies_is_started_again(room):
    one, ada = room.room, room.ada
    ada.web.post(ada.server("api/kernels"), json={}, headers={"X-XSRFToken": ada.xsrf})
    before = servers(ada.name)
    (culler,) = one.cullers()
    for name in ("jupyterhub_config", "proxy.mjs"):
        child = one.child(name)
        child.kill()
        until(lambda name=name: one.child(name), f"another {name}", 20)

    def answers():
        with contextlib.suppress(httpx.TransportError):
            return ada.web.get(ada.server("api")).status_code == 200

    until(answers, "Ada's server through the new proxy", 60)
    assert set(before) <= set(servers(ada.name))
    until(lambda: not culler.is_running(), "the end of the service of the JupyterHub that was killed", 20)
    (another,) = until(one.cullers, "another one", 30)
    assert another != culler


@pytest.mark.fault(
    "A classroom with JupyterHub is killed", "The next start ends what it left, and finds the learners' labs"
)
def test_after_a_kill_nothing_is_left_twice(room):
    one = room.room
    left = [one.child("jupyterhub_config"), one.child("proxy.mjs"), *until(one.cullers, "the culler", 30)]
    assert len(left) == 3
    os.kill(one.process.pid, signal.SIGKILL)
    one.process.wait(10)
    refused = one.labkit("forget-users", "--workshop", WORKSHOP, "--folder", str(one.place / "rooms"), "--yes")
    assert "is running" in refused.stderr
    one.start()
    assert not [child for child in left if child.is_running()]
    began = time.monotonic()
    ada = one.browser()
    ada.by_link(one.link(ADA))
    with subprocess.Popen(["sleep", "600"], user=room.ada.name, cwd="/") as unknown:  # a start that was cut off
        assert ada.open().name == room.ada.name
        assert unknown.wait(10) < 0
    assert time.monotonic() - began < 60
    # Both at once: what nobody is left to end politely ends by itself, or with the next start.
    hub, proxy, (culler,) = one.child("jupyterhub_config"), one.child("proxy.mjs"), until(one.cullers, "the culler", 30)
    theirs = [psutil.Process(pid) for pid in servers(ada.name)]
    assert theirs
    one.process.kill()
    hub.kill()
    one.process.wait(10)
    until(lambda: not culler.is_running(), "the end of the culler", 20)
    one.start()
    assert not [process for process in (hub, proxy, *theirs) if process.is_running()]


def test_users_are_removed_with_all_they_have(room):
    one = room.room
    one.end()
    assert not [
        one for one in psutil.process_iter(["username"]) if one.info["username"] in (room.ada.name, room.li.name)
    ]
    settings, _ = one.settings
    assert users.made(settings.realm) == sorted([room.ada.name, room.li.name])
    told = one.labkit("forget-users", "--workshop", WORKSHOP, "--folder", str(one.place / "rooms"), "--yes")
    assert "2 users are removed" in told.stdout, told.stderr
    assert users.made(settings.realm) == []
    assert list(Path(settings.homes).iterdir()) == []
