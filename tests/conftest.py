"""What every test may use. The suite runs its labs under names and in folders of its own, beside a learner's lab."""

import fcntl
import gc
import os
import shutil
import signal
import tempfile
from datetime import UTC, datetime
from pathlib import Path

# Before labkit is imported: it reads where things lie from here. Workers (pytest-xdist) share what lies in SCRATCH.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
SCRATCH = Path(os.environ["LABKIT_TESTS"] if WORKER else tempfile.mkdtemp(prefix="labkit-tests-"))
OWN = SCRATCH / (WORKER or "alone")
STARTED = SCRATCH / "engine"
"""Where the engine is the lab's own: the id of a container that keeps it."""
os.environ["LABKIT_TESTS"] = str(SCRATCH)
os.environ["LABKIT_LAB"] = f"labtest-{os.getpid()}"
os.environ["XDG_STATE_HOME"] = str(OWN / "state")
os.environ["XDG_CACHE_HOME"] = str(SCRATCH / "cache")
os.environ["LABKIT_WORK"] = str(OWN / "work")
os.environ["JUPYTER_PLATFORM_DIRS"] = "1"
for variable in ("DOCKER_CONFIG", "DOCKER_CONTEXT", "LABKIT_COMMAND"):
    os.environ.pop(variable, None)

# A shell ignores Ctrl-C for what it starts in the background, nohup a hang-up, and so would all that the tests end.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)

import pytest  # noqa: E402

ROOT = Path(__file__).parents[1]
ENGINES = ("test_engines.py", "test_classroom_fleet.py", "test_classroom_hub_servers.py", "test_classroom_restarts.py")
"""Files that start engines (`starts_an_engine`)."""


def pytest_addoption(parser):
    parser.addoption("--corpus-runs", type=int, default=1, help="how often each attempt of the corpus is played")
    today = datetime.now(UTC).toordinal()
    parser.addoption(
        "--corpus-day", type=int, default=today, help="whose part of the corpus is played: a number of a day"
    )


def pytest_collection_modifyitems(items):
    """Values first, then what needs no engine, which others may start meanwhile; then the lab. What fails in a second is told in a
    second. The corpus last: it fills the machine by itself.

    What uses real engines and browsers on a busy machine is tried a second time where it fails, and the report names it
    (docs/decisions/0048-a-second-try.md). What is only computed has one try."""
    folders = ("browser", "integration", "attacks", "faults", "conformance", "acceptance")
    order = {"unit": 0, **{folder: 2 + number for number, folder in enumerate(folders)}}
    on_engine = {item.path for item in items if "engine" in item.fixturenames or item.path.name in ENGINES}

    def place(item):
        if WORKER and item.path.name in ENGINES:
            return -1
        folder = item.path.parent.name
        return order.get(folder, 9) if folder == "unit" or item.path in on_engine else 1

    items.sort(key=place)
    for item in items:
        folder = item.path.parent.name
        assert item.path.name in ENGINES or not item.get_closest_marker("starts_an_engine"), (
            f"{item.path} is not in ENGINES"
        )
        if folder != "unit" and (folder != "attacks" or "engine" in item.fixturenames):
            if item.path in on_engine:
                item.add_marker(pytest.mark.docker)
            if folder != "acceptance":
                item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_collection_finish():
    """The tests themselves are nothing that the collector has to look at, each time: half a second."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def nothing_left_open(request):
    """What the tests of a file leave open in a cycle is told in that file, not in whichever test the collector happens to run:
    in tests/acceptance there is no second try."""
    yield
    if request.path.parent.name not in ("unit", "acceptance"):
        gc.collect()


def pytest_xdist_auto_num_workers():
    """One for each core: what waits in one worker leaves the other's engines and browsers more of the machine."""
    return len(os.sched_getaffinity(0))


def pytest_xdist_make_scheduler(config, log):
    """A file is one piece of work. What starts engines is one, too, and the first: no other worker's test may use an engine beside it,
    and values, which the others compute first, need none."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return "engines" if Path(file).name in ENGINES else file

    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """An engine that starts empties the packet filter's chains that all engines of a machine share (moby, iptables), and a port
    that is published in that moment is refused: a test that starts one runs while no other worker's uses an engine."""
    if not item.get_closest_marker("docker"):
        return (yield)
    with (SCRATCH / "engines.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if item.get_closest_marker("starts_an_engine") else fcntl.LOCK_SH)
        return (yield)


def pytest_unconfigure():
    """Who started the workers ends the engine that they had, once all of them are done."""
    if WORKER:
        return
    if STARTED.exists():
        from labkit import paths
        from labkit.lab.engine import engines, own, sdk
        from labkit.lab.lifecycle import sweep

        home = paths.home()
        started = engines.Engine(engines.own_url(home), own=True)
        with sdk.client(started) as docker:
            docker.containers.get(STARTED.read_text()).remove()
        if not sweep.used_by_labs(started):
            own.stop(home)
    shutil.rmtree(SCRATCH, ignore_errors=True)


def quiet(_text):
    pass


@pytest.fixture(scope="session")
def engine():
    """The engine in use, or one of the lab's own, with the lab image on it."""
    from filelock import FileLock

    from labkit import paths
    from labkit.lab.engine import engines, images, sdk
    from labkit.lab.plan import LABEL

    with FileLock(SCRATCH / "engine.lock"):  # the first worker makes what all need
        found = engines.ensure(paths.home(), print)
        images.ensure(found, print)
        if found.own and not STARTED.exists():
            # `down` ends an engine of the lab's own that no lab is on: this one is another worker's too.
            with sdk.client(found) as docker:
                held = docker.containers.create(images.name(), "true", labels={LABEL: SCRATCH.name})
            STARTED.write_text(held.id)
    return found


def unlimited(lab):
    """The lab, with a Docker Hub that allows more pulls than all tests together make."""
    with lab.wire("edge") as wire:
        wire.request("POST", "/limit", {"registry": "hub", "pulls": 1_000_000, "signed_in": 1_000_000})
    return lab


@pytest.fixture(scope="session")
def started_lab(engine):
    """One lab for all tests of this process that leave it whole, as it was when it had started."""
    import time

    from labkit import paths
    from labkit.lab.lifecycle import provision, sweep
    from labkit.lab.plan import Plan
    from labkit.work import files as workspace

    home = paths.home()
    try:
        with provision.lock(home, quiet):
            plan = Plan(home.name, home.work, deadline=round(time.time() + 7200))
            lab = provision.up(engine, home, plan, quiet)
        workspace.prepare(lab.work)
        yield unlimited(lab)
    finally:
        with provision.lock(home, quiet):
            sweep.everything(engine, home, quiet)


@pytest.fixture
def running_lab(started_lab):
    """The shared lab as it is now: a test before may have had machines made anew."""
    from labkit.lab import find

    return unlimited(find.current())


@pytest.fixture
def lab(running_lab):
    """The shared lab, as if it had just started."""
    from labkit.lab.playing.reset import reset_all

    return unlimited(reset_all(running_lab))
