"""The pages of deployed apps, seen through the lab."""

import contextlib
import http.client
import os
import socket

import psutil
import pytest
from helpers import labkit_json, shell, until

from labkit.lab.apps import address, gate
from labkit.lab.engine.execute import execute
from labkit.lab.lifecycle import keeper
from labkit.lab.owner.invitation import invite
from labkit.paths import Home

APP = r"""mkdir -p /www/cgi-bin
printf 'hello from %s' "$NAME" >/www/index.html
printf '#!/bin/sh\necho Content-Type: text/plain; echo; while :; do echo endless; done\n' >/www/cgi-bin/endless
printf '#!/bin/sh\necho Content-Type: text/plain; echo; echo "$REQUEST_METHOD $HTTP_COOKIE"; cat\n' >/www/cgi-bin/echo
head -c 3000000 /dev/zero >/www/large
chmod +x /www/cgi-bin/*; exec httpd -f -p 9000 -h /www"""
"""An app in busybox: a page, one that never ends, one that repeats what it is sent, and 3 MB."""


def get(place, host, path="/", method="GET", body=None, **headers):
    """(status, headers, body) as a browser gets it."""
    connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=60)
    with contextlib.closing(connection):
        connection.request(method, path, body, {"Host": f"{host}.localhost:{place.port}", **headers})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


@pytest.fixture
def place(lab):
    """Where this process shows the lab's pages."""
    yield gate.start(lab.home)
    (lab.home.state / address.FILE).unlink()


@pytest.fixture
def serve(lab, tmp_path):
    """Starts a service of busybox that runs this script, and waits until its tasks run."""
    number = iter(range(99))

    def start(name, script=APP, *words):
        file = tmp_path / f"{next(number)}.sh"
        file.write_text(script)
        command = f'docker service create --quiet --name {name} --env NAME={name} {" ".join(words)} busybox sh -c "$(cat {file})"'
        done = shell(lab, command)
        assert done.returncode == 0, done.stdout + done.stderr

    return start


def test_each_task_is_reached_wherever_it_runs(lab, place):
    script = """docker login -u myusername -p mypassword && docker tag myapp:latest myusername/myapp:v1.0.0 &&
        docker push -q myusername/myapp:v1.0.0 &&
        docker service create --quiet --name myapp --replicas 3 myusername/myapp:v1.0.0"""
    assert shell(lab, script).returncode == 0
    seen = [get(place, "myapp") for _ in range(6)]
    page = b"<!doctype html>\n<title>myapp</title>\n<h1>Hello from myapp</h1>\n"
    assert {(code, body) for code, _, body in seen} == {(200, page)}
    tasks = {headers["X-Answered-By"] for _, headers, _ in seen}
    assert {task.split(" on ")[1] for task in tasks} == {"workstation", "worker1", "worker2"} and len(tasks) == 3
    told = labkit_json("status", "--json")["services"]["myapp"]["page"]
    assert told == f"http://myapp.localhost:{place.port}/"


def test_an_app_with_a_published_port_on_one_node(lab, place, serve):
    serve("web", APP, "--publish 8099:9000", "--constraint node.hostname==worker2")
    code, headers, body = get(place, "WEB")
    assert (code, body, headers["X-Answered-By"]) == (200, b"hello from web", "web.1 on worker2")
    assert len(get(place, "web", "/large")[2]) == 3_000_000
    assert get(place, "web", "/cgi-bin/echo", "POST", "a=b", Cookie="mine=1")[2] == b"POST mine=1\na=b"
    assert get(place, "web", "/nothing")[0] == 404


@pytest.mark.fault(
    "A browser disconnects while an app is still answering", "The process that answers it on the node ends too"
)
def test_who_leaves_ends_what_runs_for_them_on_the_node(lab, place, serve):
    serve("web", APP, "--constraint node.hostname==worker1")

    def running():
        lines = execute(lab.engine, lab.parts["worker1"].id, ["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"])
        return "labkit.lab.looking.ask_apps" in lines

    connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=60)
    connection.request("GET", "/cgi-bin/endless", headers={"Host": "web.localhost"})
    answer = connection.getresponse()
    assert answer.read(1_000_000).startswith(b"endless\n") and running()
    before = psutil.Process().memory_info().rss
    answer.read(20_000_000)
    assert psutil.Process().memory_info().rss - before < 50_000_000
    answer.close()
    connection.close()
    until(lambda: not running(), "the end of the program on the node", 20)
    assert get(place, "web")[0] == 200


@pytest.mark.fault(
    "A service ends while its page is open, or its app does not answer", "The page says so, and where to look"
)
def test_why_there_is_no_page_is_said_in_words(lab, place, serve):
    code, _, body = get(place, "web")
    assert code == 502 and b"The Swarm has no service named web" in body
    serve("web", "trap exit TERM; sleep 1000 & wait")
    code, _, body = get(place, "web")
    assert code == 502 and b"did not answer HTTP" in body and b"docker service logs web" in body
    assert shell(lab, "docker service scale web=0").returncode == 0

    def told():
        return get(place, "web")[2]

    until(lambda: b"No task of the service web is running." in told(), "the words for a service without tasks", 20)
    assert shell(lab, "docker service rm web").returncode == 0
    until(lambda: b"has no service named web" in told(), "the words for a service that is gone", 20)


def test_a_guest_sees_the_same_page(lab, serve, tmp_path):
    serve("web", APP, "--constraint node.hostname==worker2")
    folder = tmp_path / "guest"
    try:
        invite(lab, folder)
        theirs = Home.of({**os.environ, "LABKIT_GUEST": str(folder), "LABKIT_WORK": str(tmp_path / "work")})
        place = gate.start(theirs)
        assert place == address.read(theirs)
        assert get(place, "web")[::2] == (200, b"hello from web")
        assert len(get(place, "web", "/large")[2]) == 3_000_000
        assert b"no service named other" in get(place, "other")[2]
    finally:
        keeper.stop(lab.home)
        (lab.home.state / keeper.GUESTS).unlink(missing_ok=True)


def test_nobody_outside_this_machine_reaches_a_page(place):
    addresses = [one.address for each in psutil.net_if_addrs().values() for one in each if one.family == socket.AF_INET]
    for other in {one for one in addresses if not one.startswith("127.")}:
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((other, place.port), 5)
