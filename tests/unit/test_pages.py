"""Asking apps for their page: the program that runs on a node, and the looker that believes nothing it is told."""

import http.server
import json
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from world import World, practiced

from labkit.content import exercises
from labkit.errors import LabError
from labkit.lab.engine.wire import Wire, WireError
from labkit.lab.looking import ask_apps, observe, pages
from labkit.seen.pages import Page

PAGE = b"<h1>mine</h1>"
LATER = time.monotonic() + 10**6


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.page)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.status, made.page = 200, PAGE
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


# ── ports ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("00000000", "127.0.0.1"),
        ("0100007F", "127.0.0.1"),
        ("0500110A", "10.17.0.5"),
        ("0" * 32, "localhost"),
        ("00000000000000000000000001000000", "::1"),
        ("0000000000000000FFFF00000500110A", "10.17.0.5"),
        ("0000000000000000FFFF000000000000", "127.0.0.1"),
        ("B80D01200000000000000000010000FF", "2001:db8::ff00:1"),
    ],
)
def test_addresses_are_read_as_linux_writes_them(host, asked):
    assert ask_apps.address(host) == asked


def test_only_sockets_that_listen_and_are_the_apps_count():
    line = "{n}: {local} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 0 0 {inode} 1 0 100 0 0 10 0"
    rows = [
        line.format(n=0, local="00000000:1F90", state="0A", inode=7),
        line.format(n=1, local="0500110A:0050", state="01", inode=7),
        line.format(n=2, local="00000000:0050", state="0A", inode=8),
        "odd",
    ]
    table = "\n".join(["  sl  local_address", *rows])
    assert list(ask_apps.listening(table, {"7"})) == [("127.0.0.1", 8080)]
    assert list(ask_apps.listening("", {"7"})) == []


def test_where_a_process_listens_is_found():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert ("127.0.0.1", server.getsockname()[1]) in [
            *ask_apps.listening(Path("/proc/self/net/tcp").read_text(), ask_apps.sockets(os.getpid()))
        ]
    assert ask_apps.sockets(2**22 + 1) == set()
    assert len(ask_apps.ports(os.getpid())) <= ask_apps.MOST_PORTS


@pytest.mark.parametrize(
    ("labels", "is_one"),
    [
        ({"com.docker.swarm.service.name": "webapp"}, True),
        ({"com.docker.swarm.service.name": "shop_webapp", "com.docker.stack.namespace": "shop"}, True),
        ({"com.docker.swarm.service.name": "webapp_front", "com.docker.stack.namespace": "webapp"}, True),
        ({"com.docker.swarm.service.name": "shop_webapp"}, False),
        ({"com.docker.swarm.service.name": "webapp2"}, False),
        ({}, False),
    ],
)
def test_whose_container_it_is(labels, is_one):
    assert ask_apps.means(labels, ["other", "webapp"]) is is_one


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_page_is_read(server):
    host, port = server.server_address
    assert ask_apps.ask(host, port, 1) == (200, PAGE)
    server.status = 404
    assert ask_apps.ask(host, port, 1) == (404, PAGE)
    server.status, server.page = 200, b"x" * (ask_apps.LARGEST + 5)
    assert ask_apps.ask(host, port, 1) == (200, b"x" * ask_apps.LARGEST)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"<h1>mine</h1>\n",
        b"HTTP/1.1 " + b"9" * 70000,
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"FTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_what_is_no_http_is_no_answer(said):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            with server.accept()[0] as peer:
                peer.recv(1000)
                peer.sendall(said)

        threading.Thread(target=answer, daemon=True).start()
        assert ask_apps.ask("127.0.0.1", server.getsockname()[1], 1)[0] == 0


def answered(said, keep=True, seconds=5.0, most=100):
    """What is read of an answer whose connection stays open, or not."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def answer():
            with server.accept()[0] as peer:
                peer.recv(1000)
                peer.sendall(said)
                if keep:
                    over.wait(10)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        with socket.create_connection(server.getsockname()) as peer:
            told = ask_apps.fetch(peer, "/", most, time.monotonic() + seconds)
        over.set()
        thread.join()
    return told


def test_an_answer_ends_with_its_length_or_its_connection():
    assert answered(b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 4\r\n\r\npage, and more") == (200, b"page")
    assert answered(b"HTTP/1.1 204 OK\r\nX: y\r\nContent-Length: 0\r\n\r\n") == (204, b"")
    assert answered(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 500) == (200, b"x" * 100)
    assert answered(b"HTTP/1.0 404 no\r\n\r\nnothing", keep=False) == (404, b"nothing")
    for odd in (b"-4", b"x", b"9" * 400):
        assert answered(b"HTTP/1.0 200 OK\r\nContent-Length: " + odd + b"\r\n\r\npage", keep=False) == (200, b"page")


def test_an_answer_that_stops_halfway_is_none():
    assert answered(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npage", seconds=0.1) == (0, b"")
    assert answered(b"HTTP/1.1 200 OK\r\n\r\npage", seconds=0.1) == (0, b"")
    assert answered(b"HTTP/1.1 200 OK\r\n", seconds=0.0) == (0, b"")


def test_an_engine_is_asked_on_its_socket(tmp_path, monkeypatch):
    path = str(tmp_path / "socket")
    real = socket.socket.connect
    monkeypatch.setattr(ask_apps.socket.socket, "connect", lambda self, _: real(self, path))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()

        def answer(said):
            with server.accept()[0] as peer:
                peer.recv(1000)
                peer.sendall(said)

        for status, told in ((b"200", {"Id": "c"}), (b"404", None)):
            said = b"HTTP/1.0 " + status + b' x\r\n\r\n{"Id": "c"}'
            thread = threading.Thread(target=answer, args=(said,), daemon=True)
            thread.start()
            if told:
                assert ask_apps.Docker(1).get("/containers/c/json") == told
            else:
                with pytest.raises(ask_apps.Gone):
                    ask_apps.Docker(1).get("/containers/c/json")
            thread.join()


def test_nobody_there_and_nobody_who_answers():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert ask_apps.ask("127.0.0.1", port, 0.05) == (0, b"")
    assert ask_apps.ask("127.0.0.1", port, 0.05) == (0, b"")


# ── the image ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def root(tmp_path):
    (tmp_path / "www" / "deep").mkdir(parents=True)
    (tmp_path / "www" / "deep" / "index.html").write_bytes(PAGE)
    (tmp_path / "www" / "aside.html").write_bytes(PAGE[::-1])
    return str(tmp_path)


def found(root, page=PAGE, changed=(), mounts=(), until=LATER):
    return ask_apps.file_of(page, root, set(changed), set(mounts), until)


def test_a_page_is_found_in_its_image(root):
    assert found(root) == "/www/deep/index.html"
    assert found(root, PAGE + b".") == found(root, b"") == ""
    Path(root, "index.html").write_bytes(PAGE)
    assert found(root) == "/index.html"
    assert found(root, changed=["/index.html"]) == "/www/deep/index.html"


@pytest.mark.parametrize("hidden", ["/www", "/www/deep", "/www/deep/index.html"])
def test_what_is_mounted_is_none_of_the_images(root, hidden):
    assert found(root, mounts=[hidden]) == ""


def test_a_file_that_was_changed_is_none_and_a_folder_around_it_is(root):
    assert found(root, changed=["/www/deep/index.html"]) == ""
    assert found(root, changed=["/www", "/www/deep"]) == "/www/deep/index.html"


def test_links_pipes_and_what_cannot_be_read_are_passed_over(root, tmp_path_factory):
    aside = tmp_path_factory.mktemp("aside") / "index.html"
    aside.write_bytes(PAGE)
    Path(root, "a-link").symlink_to(aside)
    Path(root, "a-folder").symlink_to(aside.parent)
    os.mkfifo(Path(root, "a-pipe"))
    assert found(root) == "/www/deep/index.html"
    assert not ask_apps.holds(f"{root}/a-pipe", b"")
    with pytest.raises(OSError, match="symbolic"):
        ask_apps.holds(f"{root}/a-link", PAGE)
    assert ask_apps.file_of(PAGE, f"{root}/nowhere", set(), set(), LATER) == ""


def test_the_search_ends(root, monkeypatch):
    assert found(root, until=time.monotonic()) == ""
    monkeypatch.setattr(ask_apps, "MOST_FILES", 2)
    assert found(root) == ""


class Engine:
    def __init__(self, answers):
        self.answers = answers

    def get(self, path):
        return self.answers[path]


def test_where_the_files_of_an_image_lie(root):
    engine = Engine({"/containers/c/changes": [{"Path": "/a", "Kind": 1}, {"Path": "/b", "Kind": 0}]})
    container = {"Id": "c", "GraphDriver": {"Data": {"MergedDir": root}}}
    assert ask_apps.files(engine, container, os.getpid()) == (root, {"/a", "/b"}, set())
    engine.answers["/containers/c/changes"] = None
    for driver in ({"Data": None}, None, {"Data": {"MergedDir": f"{root}/gone"}}):
        where, changed, mounts = ask_apps.files(engine, {"Id": "c", "GraphDriver": driver}, os.getpid())
        assert (where, changed) == (f"/proc/{os.getpid()}/root", set())
        assert "/proc" in mounts and "/" not in mounts


# ── what is told ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_best_answer_is_told():
    nothing = ask_apps.told(9, 0, b"", "")
    missing, other, own = (
        ask_apps.told(1, 404, b"no", ""),
        ask_apps.told(2, 200, b"hi", ""),
        ask_apps.told(3, 200, PAGE, "/a"),
    )
    answers = [nothing, missing, other, own]
    for number in range(4, 0, -1):
        assert ask_apps.best(answers[:number]) is answers[number - 1]
    assert own["size"] == len(PAGE) and own["text"] == PAGE.decode()
    assert ask_apps.told(1, 200, b"\xff" * 1000, "")["text"] == "\ufffd" * ask_apps.TEXT
    assert ask_apps.told(1, 200, b"", "/\udcff")["file"] == "/\ufffd"


def container(pid=0):
    labels = {"com.docker.swarm.task.id": "t", "com.docker.swarm.service.name": "webapp"}
    return {"Id": "c", "State": {"Pid": pid or os.getpid()}, "Config": {"Labels": labels}, "GraphDriver": None}


def test_an_app_that_was_not_heard_of_is_told_too(root):
    engine = Engine({"/containers/c/changes": None})
    one = ask_apps.Asked({**container(), "GraphDriver": {"Data": {"MergedDir": root}}})
    silent = one.answer(engine, LATER)
    assert {key: silent[key] for key in ("task", "service", "port", "status", "file")} == {
        "task": "t", "service": "webapp", "port": 0, "status": 0, "file": "",
    }  # fmt: skip
    one.found += [(80, 404, PAGE), (8080, 200, PAGE)]
    assert (one.answer(engine, LATER)["port"], one.answer(engine, LATER)["file"]) == (8080, "/www/deep/index.html")
    one.found.pop()
    assert (one.answer(engine, LATER)["status"], one.answer(engine, LATER)["file"]) == (404, "")


# ── the looker ───────────────────────────────────────────────────────────────────────────────────────────────────────


def swarm(world):
    return world.observation.swarm


def test_only_nodes_that_run_what_an_exercise_asks_are_asked():
    world = practiced()
    assert exercises.asked() == ("myapp", "webapp")
    assert pages.nodes(swarm(world), ["webapp"]) == ["worker1", "worker2", "workstation"]
    assert pages.nodes(swarm(world), ["other"]) == []
    world.services["webapp"]["tasks"][0]["state"] = "starting"
    world.services["webapp"]["tasks"][1]["node"] = ""
    assert pages.nodes(swarm(world), ["webapp"]) == ["worker2"]
    for name, stack in (("shop_webapp", "shop"), ("webapp_front", "webapp")):
        world.services["webapp"] |= {"name": name, "stack": stack}
        assert pages.nodes(swarm(world), ["webapp"]) == ["worker2"]
    world.services["webapp"]["stack"] = "x"
    assert pages.nodes(swarm(world), ["webapp"]) == []


LAB = SimpleNamespace(
    engine=None,
    state=lambda name: "exited" if name == "worker2" else "running",
    running=lambda name: SimpleNamespace(id=name),
)
TOLD = {"task": "t", "service": "webapp", **ask_apps.told(8080, 200, PAGE, "/www/index.html")}


def look(monkeypatch, said):
    asked = []

    def printed(_engine, machine, command, most, seconds):
        asked.append((machine, command[:4], json.loads(command[5])))
        return said

    monkeypatch.setattr(pages.execute, "printed", printed)
    return pages.look(LAB, swarm(practiced())), sorted(asked)


def test_each_node_that_runs_is_asked_and_the_sample_is_known(monkeypatch):
    told, asked = look(monkeypatch, "a warning\r\n" + json.dumps({"pages": [TOLD]}) + "\r\n")
    question = (["python3", "-I", "-S", "-c"], {"services": ["myapp", "webapp"], "seconds": 1.0})
    assert asked == [("worker1", *question), ("workstation", *question)]
    assert told["unobserved"] == {}
    assert told["pages"] == dict.fromkeys(["worker1", "workstation"], (Page(**TOLD, sample=False),))
    sample = {
        "task": "t",
        "service": "webapp",
        **ask_apps.told(8080, 200, pages.SAMPLE.read_bytes(), "/www/index.html"),
    }
    told, _ = look(monkeypatch, json.dumps({"pages": [sample]}))
    assert told["pages"]["worker1"][0].sample


@pytest.mark.parametrize(
    "said",
    [
        "",
        "OCI runtime exec failed: python3: not found",
        "[]",
        "{}",
        '{"pages": 7}',
        '{"pages": [7]}',
        '{"pages": [{}]}',
        "[" * 100_000,
        json.dumps({"pages": [{**TOLD, "port": -1}]}),
        json.dumps({"pages": [{**TOLD, "status": 10**400}]}),
        json.dumps({"pages": [{**TOLD, "size": "x"}]}),
        json.dumps({"pages": [{**TOLD, "digest": None}]}),
    ],
)
def test_what_no_node_tells_is_not_believed(monkeypatch, said):
    told, _ = look(monkeypatch, said)
    assert told["pages"] == {}
    assert sorted(told["unobserved"]) == ["pages/worker1", "pages/workstation"]
    assert told["unobserved"]["pages/worker1"].startswith("the apps on worker1 could not be asked: ")


def test_odd_texts_can_be_kept_and_sent(monkeypatch):
    told, _ = look(monkeypatch, json.dumps({"pages": [{**TOLD, "text": "\ud800" * 9, "task": "x" * 9000}]}))
    page = told["pages"]["worker1"][0]
    assert page.text == "\ufffd" * 9 and len(page.task) == pages.LONGEST_TEXT + 1
    assert msgspec.json.decode(msgspec.json.encode(page), type=Page) == page


def test_pages_are_looked_at_once_the_swarm_said_where(monkeypatch):
    world, gaps = practiced(), {}
    monkeypatch.setattr(pages, "look", lambda lab, found: {"pages": found})
    assert observe._pages(LAB, {"swarm": swarm(world)}, gaps) == {"pages": swarm(world)}
    assert observe._pages(LAB, {}, {"swarm": "it is exited."}) == {"unobserved": {"pages": "it is exited."}}

    def breaks(*_):
        raise LabError("an exercise cannot be read", "")

    monkeypatch.setattr(pages, "look", breaks)
    assert observe._pages(LAB, {"swarm": swarm(world)}, gaps) == {"unobserved": {"pages": "an exercise cannot be read"}}


def test_no_service_that_is_asked_costs_nothing(monkeypatch):
    monkeypatch.setattr(pages.execute, "printed", None)
    assert pages.look(LAB, swarm(World())) == {"pages": {}, "unobserved": {}}


def test_an_exercise_names_whom_it_asks():
    chosen = exercises.load("06-practice")
    assert (chosen.asks, "pages" in chosen.sees) == (("webapp",), True)
    assert exercises.load("05-deploy").asks == ()


def bounded(server, most=100, seconds=5.0):
    with Wire(f"tcp://127.0.0.1:{server.server_address[1]}", timeout=seconds) as wire:
        return wire.bounded("GET", "/", None, most, seconds)


def test_an_answer_without_an_end_is_given_up(server):
    assert bounded(server) == PAGE
    server.page = b"x" * 101
    with pytest.raises(WireError, match="the answer did not end"):
        bounded(server)
    server.status, server.page = 409, json.dumps({"message": "is paused"}).encode()
    with pytest.raises(WireError, match="is paused") as told:
        bounded(server)
    assert told.value.status == 409


def test_a_connection_that_is_not_taken_over_is_closed():
    def refuse(server):
        with server.accept()[0] as peer:
            peer.settimeout(10)
            while not peer.recv(4096).endswith(b"{}"):
                pass
            peer.sendall(b"HTTP/1.1 409 Conflict\r\nContent-Length: 23\r\n\r\n" + b'{"message":"is paused"}')
            return peer.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor() as pool:
        refused = pool.submit(refuse, server)
        wire = Wire(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(WireError, match="is paused") as told:
            wire.stream("/exec/x/start", {})
        assert (told.value.status, refused.result()) == (409, b"")


def test_so_is_one_that_takes_too_long():
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def drip():
            with server.accept()[0] as peer:
                peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                while not over.wait(0.02):
                    peer.sendall(b".")

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with Wire(address, timeout=1) as wire, pytest.raises(WireError, match="the answer did not end"):
            wire.bounded("GET", "/", None, 10**6, 0.2)
        over.set()
        thread.join()
