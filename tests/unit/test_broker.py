"""The broker's decisions as values: names, what fits, who is placed where, what is done with a lab, and who sees a terminal."""

import json
import queue
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from click.testing import CliRunner
from helpers import until
from hypothesis import given
from hypothesis import strategies as st

from labkit.classroom.broker import capacity, naming, planning, standing
from labkit.classroom.broker.capacity import Measured
from labkit.classroom.broker.fleet import Fleet, News
from labkit.classroom.broker.planning import STEP, Cost, Disk, Fit, Limits, Place, Room
from labkit.classroom.broker.shared import BEHIND, May, Shared
from labkit.classroom.broker.standing import Act, Found, Noted, Standing, State
from labkit.cli.main import cli
from labkit.errors import LabError
from labkit.lab.access import STDOUT
from labkit.lab.engine import engines
from labkit.lab.plan import Plan
from labkit.lab.share import LEAST_NODE, LEAST_OTHER, MIB, Share

# Names


@pytest.mark.parametrize(
    "learner",
    [
        "Ada",
        "ada",
        "ADA",
        "../../etc/passwd",
        "; rm -rf /",
        "$(id)",
        "Ödön",
        "李雷",
        "a" * 200,
        "-",
        "--privileged",
        "a/b",
        "a\\b",
        "%2e%2e",
    ],
)
def test_a_labs_name_is_plain_whatever_the_learners_is(learner):
    name = naming.lab("spring-2027", naming.check_learner(learner))
    assert re.fullmatch(r"spring-2027-[a-z0-9][a-z0-9-]*-[0-9a-f]{12}", name)
    assert len(name) <= 63


def test_labs_names_differ():
    learners = [
        "Ada",
        "ada",
        "ADA",
        "Ada ",
        "Adä",
        "Ada.",
        "../Ada",
        "Ada Lovelace",
        "Ada-Lovelace",
        "李雷",
        "韩梅梅",
        "-",
        "--",
    ]
    assert len({naming.lab("w", one) for one in learners}) == len(learners)


@given(st.text(min_size=1, max_size=50), st.text(min_size=1, max_size=50))
def test_two_learners_never_share_a_lab(one, other):
    try:
        names = naming.lab("w", naming.check_learner(one)), naming.lab("w", naming.check_learner(other))
    except LabError:
        return
    assert (names[0] == names[1]) == (one == other)
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in names)


@pytest.mark.parametrize("learner", ["", "  ", "a" * 201, "Ada\n", "Ada\x1b[2J", "Ada\u202e", "\ud800", "a\0b"])
def test_learners_that_no_lab_can_have(learner):
    with pytest.raises(LabError, match="not a valid learner"):
        naming.check_learner(learner)


@pytest.mark.parametrize("workshop", ["", "../x", "Spring", "a b", "-a", "a" * 25, "a_b", "1a", "a\n"])
def test_workshops_that_no_lab_can_have(workshop):
    with pytest.raises(LabError, match="can't be the name"):
        naming.check_workshop(workshop)


@pytest.mark.parametrize("name", ["spring", "Spring 2027", "a" * 60, "frühling", "x_.-", "2027", "--"])
def test_every_workshops_labs_have_a_name(name):
    for made in (naming.before(name), naming.of_workshop(name, "root@host:/srv/a")):
        naming.check_workshop(made)
        assert len(naming.lab(made, "Ada Lovelace of the analytical engine")) <= 63


def test_two_workshops_of_one_name_in_two_folders_share_no_lab():
    owners = ["root@host:/srv/a/labs", "root@host:/srv/b/labs", "ada@host:/srv/a/labs"]
    assert len({naming.of_workshop("spring", one) for one in owners}) == 3
    assert naming.of_workshop("spring", owners[0]).startswith("spring-")
    assert naming.of_workshop("Spring", owners[0]) != naming.of_workshop("spring", owners[0])


# What fits

GIB = 1024**3
ROOM = Room(memory=20 * GIB, total=24 * GIB, cores=2, disk=200 * GIB)
COST = Cost(lab=200 * MIB, jupyter=150 * MIB, cores=0.02, ports=6, disk=2 * GIB, start=3.0)


def test_what_fits_is_the_least_of_all():
    fit = planning.fit(ROOM, COST)
    assert fit.by == {
        "memory": int((20 * GIB - 2.4 * GIB) / (350 * MIB)),
        "processor": 50,
        "networks": 256,
        "ports": 4666,
        "disk": 100,
    }
    assert (fit.learners, fit.limit) == (50, "processor")
    assert fit.seconds == 150.0  # one after the other on two cores


@pytest.mark.parametrize(
    "room, limit",
    [
        (Room(memory=3 * GIB, total=4 * GIB, cores=8), "memory"),
        (Room(memory=90 * GIB, total=96 * GIB, cores=64, networks=7), "networks"),
        (Room(memory=90 * GIB, total=96 * GIB, cores=64, ports=60), "ports"),
        (Room(memory=90 * GIB, total=96 * GIB, cores=64, disk=5 * GIB), "disk"),
    ],
)
def test_what_stands_in_the_way(room, limit):
    assert planning.fit(room, COST).limit == limit


def test_nothing_fits_where_nothing_is_left():
    assert planning.fit(Room(memory=GIB, total=24 * GIB, cores=2), COST).learners == 0
    assert planning.fit(Room(memory=0, total=GIB, cores=1, disk=0), COST) == Fit(
        0, "memory", {"memory": 0, "processor": 25, "networks": 256, "ports": 4666, "disk": 0}, 0.0
    )


@pytest.mark.parametrize("cores, labs", [(1, 1), (2, 1), (3, 2), (4, 3), (8, 6), (64, 46)])
def test_no_more_start_at_once_than_the_cores_bear(cores, labs):
    assert planning.at_once(cores) == labs


# The disk


@pytest.mark.parametrize("total, kept", [(20 * GIB, 2 * GIB), (40 * GIB, 2 * GIB), (1000 * GIB, 50 * GIB)])
def test_how_much_of_a_disk_stays_free(total, kept):
    limits = Limits()
    assert limits.kept(Disk(0, total)) == kept
    assert [limits.short(Disk(free, total)) for free in (kept - 1, kept)] == [True, False]
    assert Limits(floor=GIB).kept(Disk(0, total)) == GIB


def test_labs_are_measured_when_the_disk_is_short_and_again_only_when_more_is_gone():
    limits, total = Limits(floor=10 * GIB), 100 * GIB
    assert not limits.due(Disk(10 * GIB, total), None)
    assert limits.due(Disk(9 * GIB, total), None)
    assert not limits.due(Disk(9 * GIB, total), 9 * GIB)
    assert not limits.due(Disk(9 * GIB - STEP, total), 9 * GIB)
    assert limits.due(Disk(9 * GIB - STEP - 1, total), 9 * GIB)


@pytest.mark.parametrize(
    "used, lab",
    [
        ({}, ""),
        ({"a": 3}, ""),  # its share
        ({"a": 4, "b": 2}, "a"),
        ({"a": 4, "b": 9, "c": 8}, "b"),
        ({"a": 5, "b": 5}, "b"),
    ],
)
def test_only_who_takes_more_than_a_share_is_stopped(used, lab):
    assert planning.greediest(used, 3) == lab


@given(st.dictionaries(st.text(min_size=1), st.integers(0, 100)), st.integers(0, 100))
def test_nobody_takes_more_than_who_is_stopped(used, share):
    lab = planning.greediest(used, share)
    assert bool(lab) == any(size > share for size in used.values())
    assert not lab or used[lab] == max(used.values())


# Who is placed where


def test_a_learner_is_placed_where_most_is_free_and_stays_there():
    places = [Place("a", 3, frozenset({"Ada"})), Place("b", 3), Place("c", 3, alive=False)]
    assert planning.place("Ada", places) == "a"
    assert planning.place("Grace", places) == "b"
    assert planning.place("Grace", places[:1]) == "a"


def test_where_all_are_full_nobody_is_placed():
    with pytest.raises(LabError, match="All labs are taken: 1 fit"):
        planning.place("Grace", [Place("a", 1, frozenset({"Ada"}))])
    with pytest.raises(LabError, match="No broker answers"):
        planning.place("Grace", [Place("a", 1, alive=False)])


def test_the_learners_of_a_dead_broker_are_placed_anew():
    dead = Place("a", 9, frozenset({"Ada", "Grace", "Edsger", "Alan"}), alive=False)
    places = [dead, Place("b", 3, frozenset({"Ada", "Tony"})), Place("c", 2, frozenset({"Barbara"}))]
    assert planning.moved(places) == ({"Alan": "b", "Edsger": "c"}, ("Grace",))


@given(st.sets(st.text("abc", min_size=1), max_size=20), st.dictionaries(st.sampled_from("xyz"), st.integers(0, 9)))
def test_nobody_is_placed_where_there_is_no_room(learners, rooms):
    try:
        placed = planning.spread(sorted(learners), rooms)
    except LabError:
        assert sum(rooms.values()) < len(learners)
        return
    assert set(placed) == learners
    assert all(list(placed.values()).count(name) <= room for name, room in rooms.items())


# What is done with a lab

WANTED = ("edge", "workstation", "worker1")
ALL = dict.fromkeys(WANTED, "running")
STILL = dict.fromkeys(WANTED, "exited")


def found(machines, deadline=0.0):
    return Found("w-ada-1", "Ada", WANTED, machines, deadline, "s1")


@pytest.mark.parametrize(
    "machines, noted, state",
    [
        (ALL, Noted(), State.UP),
        (ALL, Noted(stopped=True), State.UP),  # somebody has started it
        (STILL, Noted(stopped=True), State.STOPPED),
        (STILL, Noted(), State.BROKEN),
        ({**STILL, "edge": "running"}, Noted(stopped=True), State.BROKEN),
        ({**ALL, "edge": "paused"}, Noted(), State.BROKEN),
        ({"edge": "running"}, Noted(), State.BROKEN),
        ({"edge": "created"}, Noted(doing="starting"), State.STARTING),
        (ALL, Noted(doing="ending"), State.ENDING),
        ({"edge": "exited"}, Noted(stopped=True), State.BROKEN),
    ],
)
def test_how_a_lab_stands(machines, noted, state):
    assert standing.state(found(machines), noted) is state


def test_a_lab_that_there_is_not():
    assert standing.state(None, Noted(stopped=True)) is State.ABSENT
    assert standing.state(None, Noted(doing="starting")) is State.STARTING


@pytest.mark.parametrize(
    "machines, noted, deadline, act",
    [
        (ALL, Noted(active=1000), 0, Act.NOTHING),
        (ALL, Noted(active=399), 0, Act.LOOK),
        (ALL, Noted(active=400), 0, Act.LOOK),
        (ALL, Noted(active=401), 0, Act.NOTHING),
        (ALL, Noted(active=0, doing="starting"), 0, Act.NOTHING),
        (ALL, Noted(active=1000), 1000, Act.END),
        (STILL, Noted(stopped=True), 999, Act.END),
        (STILL, Noted(stopped=True), 1001, Act.NOTHING),
        (STILL, Noted(), 1001, Act.REPAIR),
        (STILL, Noted(), 999, Act.END),
        (STILL, Noted(since=997), 0, Act.REPAIR),
        (STILL, Noted(since=998), 0, Act.NOTHING),
        (STILL, Noted(failed=1, tried=991), 0, Act.NOTHING),
        (STILL, Noted(failed=1, tried=990), 0, Act.REPAIR),
        (STILL, Noted(failed=2, tried=941), 0, Act.NOTHING),
        (STILL, Noted(failed=2, tried=940), 0, Act.REPAIR),
        (STILL, Noted(failed=3, tried=0), 0, Act.NOTHING),
        (STILL, Noted(doing="ending"), 999, Act.NOTHING),
        (ALL, Noted(doing="up", active=0), 0, Act.LOOK),
    ],
)
def test_what_is_done_with_a_lab(machines, noted, deadline, act):
    assert standing.act(found(machines, deadline), noted, now=1000, idle=600) is act


@pytest.mark.parametrize(
    "machines, noted, act",
    [
        (ALL, Noted(active=0), Act.GROW),
        (ALL, Noted(doing="up", active=1000), Act.NOTHING),  # it is at it
        (ALL, Noted(doing="ending"), Act.NOTHING),
        (ALL, Noted(active=1000, failed=1, tried=991), Act.NOTHING),
        (ALL, Noted(active=1000, failed=1, tried=990), Act.GROW),
        (ALL, Noted(active=1000, failed=3, tried=0), Act.NOTHING),
        (STILL, Noted(stopped=True), Act.NOTHING),  # it gets them with its next start
        (STILL, Noted(), Act.REPAIR),
    ],
)
def test_a_lab_that_lacks_machines_gets_them_while_it_runs(machines, noted, act):
    lacking = replace(found(machines), lacks=True)
    assert standing.act(lacking, noted, now=1000, idle=600) is act
    assert standing.act(replace(lacking, deadline=999.0), noted, 1000, 600) is not Act.GROW


def test_a_lab_that_is_being_removed_is_not_repaired():
    whole, half = Noted().looking(found(ALL), 10), found({"edge": "running"})
    broken = whole.looking(half, 20)
    assert (whole.since, broken.since, broken.looking(half, 30).since) == (10, 20, 20)
    assert standing.act(half, broken, 22, idle=0) is Act.NOTHING
    assert standing.act(half, broken.looking(found({}), 24), 26, idle=0) is Act.NOTHING
    assert standing.act(half, broken.looking(half, 23), 23, idle=0) is Act.REPAIR


@pytest.mark.parametrize(
    ("looked", "active", "due"),
    [(941, 1000, False), (940, 1000, True), (940, 401, True), (940, 400, False), (701, 0, False), (700, 0, True)],
)
def test_a_lab_is_looked_at_often_while_its_learner_works_and_seldom_else(looked, active, due):
    assert standing.glance(looked, Noted(active=active), now=1000) is due


def test_without_an_idle_time_nothing_is_stopped():
    assert standing.act(found(ALL), Noted(active=0), now=10**9, idle=0) is Act.NOTHING


# Shares


def test_a_share_is_in_the_labels_and_stays():
    share = Share(node=300 * MIB, cpus=0.5)
    plan = Plan("x", share=share)
    assert Plan.from_labels([plan.labels(machine) for machine in plan.machines]).share == share
    assert Plan.from_labels([Plan("x").labels()]).share is None
    assert plan.grown(Plan("x", workers=3)).share == share


def test_a_share_by_role():
    share = Share(node=300 * MIB, other=200 * MIB, cpus=0.5, processes=99)
    assert share.create("node") == {
        "mem_limit": 300 * MIB,
        "memswap_limit": 300 * MIB,
        "nano_cpus": 500_000_000,
        "pids_limit": 99,
        "log_config": {"type": "json-file", "config": {"max-size": "10m", "max-file": "2"}},
    }
    assert share.create("edge")["mem_limit"] == share.create("ci")["mem_limit"] == 200 * MIB
    assert Share().node > LEAST_NODE
    assert Share().other > LEAST_OTHER


# Shared terminals


class Session:
    """A command that prints what is put into it, and keeps what is typed."""

    def __init__(self):
        self.out = queue.Queue()
        self.typed = b""
        self.size = None

    def read(self):
        return STDOUT, self.out.get()

    def write(self, data):
        self.typed += data

    def resize(self, rows, columns):
        self.size = rows, columns

    def close(self):
        self.out.put(b"")


@pytest.fixture
def terminal():
    made = Shared(Session(), "Ada")
    yield made
    made.close()


def test_nobody_sees_a_terminal_that_was_not_shared(terminal):
    with pytest.raises(LabError, match="has not shared"):
        terminal.join("Grace")
    with pytest.raises(LabError, match="not type"):
        terminal.type("Grace", b"id\n")
    with pytest.raises(LabError, match="Only Ada"):
        terminal.allow("Grace", "Grace", May.TYPE)
    assert terminal._session.typed == b""


def test_watching_typing_and_taking_back(terminal):
    own = terminal.join("Ada")
    terminal._session.out.put(b"before ")
    assert own.read() == b"before "
    terminal.allow("Ada", "Grace", May.WATCH)
    seat = terminal.join("Grace")
    assert seat.read() == b"before "  # what was printed earlier
    terminal._session.out.put(b"now")
    assert (seat.read(), own.read()) == (b"now", b"now")
    with pytest.raises(LabError, match="not type"):
        seat.write(b"x")
    terminal.allow("Ada", "Grace", May.TYPE)
    seat.write(b"ls\n")
    terminal.resize("Grace", 1, 1)
    terminal.resize("Ada", 40, 120)
    assert (terminal._session.typed, terminal._session.size) == (b"ls\n", (40, 120))
    terminal.allow("Ada", "Grace", May.NOTHING)
    assert seat.read() == b""
    with pytest.raises(LabError):
        seat.write(b"rm\n")
    terminal._session.out.put(b"secret")
    assert own.read() == b"secret"
    assert seat.read() == b""


def test_who_is_too_slow_does_not_hold_up_the_learner(terminal):
    terminal.allow("Ada", "Grace", May.WATCH)
    slow, own = terminal.join("Grace"), terminal.join("Ada")
    for number in range(BEHIND + 10):
        terminal._session.out.put(b"%d " % number)
        assert own.read() == b"%d " % number
    heard = []
    while data := slow.read():
        heard.append(data)
    assert len(heard) < BEHIND + 10


def test_the_end_of_a_terminal():
    terminal = Shared(Session(), "Ada")
    own = terminal.join("Ada")
    waiting = threading.Thread(target=own.read)
    waiting.start()
    terminal.close()
    waiting.join(10)
    assert not waiting.is_alive()
    assert terminal.over
    assert terminal.join("Ada").read() == b""


# Several brokers


class Member:
    """A broker without an engine."""

    jupyters = None

    def __init__(self, room=9, fails=False):
        self.alive, self.room, self.fails = True, room, fails
        self.labs = {}

    def all(self):
        return tuple(self.labs.values())

    def teach(self, exercises):
        if self.fails:
            raise LabError("There is no such exercise.")
        self.taught = exercises

    def start(self, learner, say=None):
        if self.fails:
            raise LabError("The disk is full.")
        self.labs[learner] = Standing(learner, naming.lab("w", learner), State.UP)
        return self.labs[learner]

    def stop(self, learner):
        self.labs[learner] = replace(self.labs[learner], state=State.STOPPED)
        return self.labs[learner]

    def remove(self, learner):
        return replace(self.labs.pop(learner), state=State.ABSENT)

    def status(self, learner):
        return self.labs.get(learner) or Standing(learner, "", State.ABSENT)


def test_learners_are_spread_and_found_again():
    members = {"a": Member(2), "b": Member(1)}
    fleet = Fleet(members)
    with ThreadPoolExecutor() as pool:
        list(pool.map(fleet.start, ["Ada", "Grace", "Alan"]))
    assert (len(members["a"].labs), len(members["b"].labs)) == (2, 1)
    fleet.start("Ada")
    assert sum(len(one.labs) for one in members.values()) == 3
    with pytest.raises(LabError, match="All labs are taken"):
        fleet.start("Edsger")
    (learner,) = members["b"].labs
    assert Fleet(members).of(learner) is members["b"]  # a fleet that starts anew sees it too


def test_a_fleet_tells_where_a_jupyterlab_is_to_be():
    near, far = Member(room=1), Member(room=3)
    far.jupyters = object()
    fleet = Fleet({"here": near, "north": far}, patience=0.0)
    fleet.start("ada")
    assert fleet.jupyters("ada") == ("north", far.jupyters)
    far.alive = False
    fleet.places()
    assert fleet.lost("north") and not fleet.lost("here") and fleet.lost("unknown")
    fleet.start("ada")
    assert fleet.jupyters("ada") == ("here", None)


def test_every_server_hears_what_is_taught_at_the_latest_before_it_starts_a_lab():
    members = {"a": Member(2), "b": Member(3), "older": Member(1)}
    fleet, members["older"].fails = Fleet(members), True
    fleet.teach(["01-login"])
    assert members["a"].taught == members["b"].taught == ("01-login",)
    members["b"].taught = ()  # it was started again
    fleet.start("Ada")
    assert fleet.at("Ada") == "b"
    assert members["b"].taught == ("01-login",)


def test_a_start_that_failed_takes_no_room():
    fleet = Fleet({"a": Member(1, fails=True)})
    for learner in ("Ada", "Grace"):
        with pytest.raises(LabError, match="disk is full"):
            fleet.start(learner)


@pytest.mark.fault(
    "A server with a broker dies", "It is told, and its learners get new labs on the others, as far as these have room"
)
def test_a_broker_that_died():
    members = {"a": Member(2), "b": Member(3)}
    happened = []
    fleet = Fleet(members, news=News(happened=happened.append))
    for learner in ("Ada", "Grace", "Alan", "Barbara"):
        fleet.start(learner)
    lost, kept = set(members["b"].labs), set(members["a"].labs)
    assert len(lost) == 2 or len(lost) == 3
    members["b"].alive = False
    fleet.places()
    with pytest.raises(LabError, match="server b"):
        fleet.of(min(lost))
    with pytest.raises(LabError, match="server b"):  # it may only be restarting
        fleet.start(min(lost))
    assert {one.state for one in fleet.all() if one.learner in lost} == {State.UNKNOWN}
    started, left = fleet.place_anew()
    assert {*started, *left} == lost
    assert set(members["a"].labs) == kept | set(started)
    assert len(members["a"].labs) == 2
    assert happened == [f"{learner}'s lab is started anew on a." for learner in started] + [
        f"There is no room for the labs of {', '.join(left)}."
    ]
    assert all(fleet.of(learner) is members["a"] for learner in started)
    assert fleet.place_anew() == ({}, left)
    members["b"].alive = True
    assert all(fleet.of(learner) is members["a"] for learner in started)


@pytest.mark.fault(
    "A server with a broker is silent for a minute, and comes back after its learners were placed anew",
    "Each keeps the new lab; the old one is stopped, and that is told; so it is after a restart of the classroom",
)
def test_a_broker_that_comes_back_gives_nobody_a_second_lab(tmp_path):
    members = {"a": Member(3), "b": Member(3)}
    happened, changed, placed = [], [], tmp_path / "placed.json"
    news = News(changed.append, happened.append)
    with Fleet(members, placed, news, patience=0.1, beat=0.02) as fleet:
        assert {fleet.start(one).learner: fleet.at(one) for one in ("Ada", "Grace")} == {"Ada": "a", "Grace": "b"}
        fleet.stop("Ada")  # idle: her lab waits where it is, and is started anew only when she asks
        fleet.start("Alan")
        assert fleet.at("Alan") == "a"
        members["a"].alive = False
        until(lambda: fleet.at("Alan") == "b" and "Alan" in members["b"].labs, "Alan's new lab")
        assert (fleet.at("Ada"), fleet.status("Ada").state) == ("a", State.UNKNOWN)
        assert "Ada" not in members["b"].labs
        assert fleet.start("Ada").state is State.UP
        assert fleet.at("Ada") == "b"
        members["a"].alive = True
        until(lambda: members["a"].labs["Alan"].state is State.STOPPED, "the stop of the old lab")
        until(lambda: "Alan's lab on a is stopped: they have another one now." in happened, "the telling")
        assert fleet.status("Alan").state is State.UP
    assert happened[0] == "The server a has not answered for 0 s."
    assert "The server a is back." in happened
    assert [one.state for one in changed if one.learner == "Alan"][:2] == [State.UP, State.UNKNOWN]
    with Fleet(members, placed) as fleet:
        assert {one.learner: one.state for one in fleet.all()} == dict.fromkeys(["Ada", "Alan", "Grace"], State.UP)
        assert {fleet.at(one) for one in ("Ada", "Alan", "Grace")} == {"b"}
        fleet.remove("Alan")
        assert all("Alan" not in one.labs for one in members.values())
        assert fleet.status("Alan").state is State.ABSENT


# The command


def measured(monkeypatch, room=ROOM):
    made = Measured(COST, {"edge": 40 * MIB, "workstation": 60 * MIB}, 30 * MIB)
    monkeypatch.setattr(engines, "ensure", lambda *_: "the engine")
    monkeypatch.setattr(capacity, "room", lambda _: room)
    monkeypatch.setattr(capacity, "measure", lambda *_, **__: made)


def test_capacity_tells_how_many_fit_and_why(monkeypatch):
    measured(monkeypatch)
    told = CliRunner().invoke(cli, ["classroom", "capacity"])
    assert told.exit_code == 0, told.output
    assert "50 learners fit on this server. What limits them is the processor" in told.output
    assert (
        "A lab at rest takes 200 MiB and a JupyterLab with one notebook open 150 MiB; together 2.0 % of a core."
        in told.output
    )


def test_capacity_for_programs(monkeypatch):
    measured(monkeypatch)
    told = json.loads(CliRunner().invoke(cli, ["classroom", "capacity", "--json"]).stdout)
    assert (told["schema"], told["learners"], told["limit"], told["by"]["networks"]) == (1, 50, "processor", 256)
    assert told["learner"]["machines"] == {"edge": 40 * MIB, "workstation": 60 * MIB}


def test_capacity_where_nobody_fits(monkeypatch):
    measured(monkeypatch, Room(memory=GIB, total=24 * GIB, cores=2))
    assert CliRunner().invoke(cli, ["classroom", "capacity"]).exit_code == 1
