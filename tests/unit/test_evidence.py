"""What is kept of the access log when it is cut: all that grading reads of it."""

import json
import random
from collections import defaultdict

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labkit.content.facts import pulling
from labkit.edge import evidence
from labkit.edge import log as access_log
from labkit.edge.log import AccessLog
from labkit.seen.log import Log
from labkit.seen.reference import Reference
from labkit.seen.registries import Manifest, Registry

ENGINE = r"docker/26.1 go/1.24 UpstreamClient(Docker-Client/26.1 \(linux\))"
SWARM, TOOL = "docker/26.1 go/1.24", "curl/8"


def entry(seq, action="login", client="10.0.0.21", agent=ENGINE, user="me", status=200, **more):
    told = {"registry": "hub", "repository": "", "reference": "", "digest": "", "reason": "", **more}
    return {
        "seq": seq,
        "time": 1.5,
        "action": action,
        "client": client,
        "agent": agent,
        "user": user,
        "status": status,
        **told,
    }


def numbered(events):
    return [{**event, "seq": seq} for seq, event in enumerate(events, 1)]


def pull(tag="v1", digest="sha256:m", layers=("sha256:c", "sha256:l"), head=True, **who):
    about = {"repository": "me/app", **who}
    look = [entry(0, "head", reference=tag, digest=digest, **about)] if head else []
    blobs = [entry(0, "blob", digest=layer, **about) for layer in layers]
    return [*look, entry(0, "pull", reference=digest, digest=digest, **about), *blobs]


def seen(events):
    """As labkit reads them."""
    told = [{**event, "machine": event["client"]} for event in events]
    return msgspec.convert({"events": told, "resets": []}, Log).events


MANIFESTS = {
    f"sha256:{name}": Manifest(kind="image", config=f"sha256:{name}c", layers=(f"l{name}", "shared"), fingerprint=name)
    for name in "mn"
}
HUB = Registry("hub", "Docker Hub", "docker.io", ("docker.io",), {"me/app": {"v1": "sha256:m"}}, (), MANIFESTS)


class Seen:
    """As much of a lab as grading asks for pulls: an engine holds nothing, so that the log alone tells."""

    machines = ()

    def __init__(self, events, since):
        self.events, self.since = events, [event for event in events if event.seq > since]

    def registry_of(self, _):
        return HUB

    def events_of(self, _):
        return [event for event in self.events if event.registry == "hub"]

    def pulls(self, registry, repository):
        return registry.pulls(self.since, repository)


def facts(events, since=0):
    """What grading reads of these events since a number (labkit/content/facts)."""
    lab = Seen(seen(events), since)
    ends: dict = defaultdict(list)
    for event in lab.since:
        ends[event.action, event.ok].append(event)
    pulls = pulling.pulls_of(lab, Reference.parse("me/app:v1"))
    return {
        "sign-ins": {(event.registry, event.user) for event in ends["login", True]},
        "last": {key: found[-1] for key, found in [*ends.items()] if found and (not key[1] or key[0] == "login")},
        "pushed": {
            (event.repository, event.reference): event for event in lab.events if event.action == "push" and event.ok
        },
        "asked": {(one.machine, one.digest) for one in lab.pulls(HUB, "me/app")},
        "pulled": {(one.machine, one.digest) for one in pulls},
        "by the Swarm": {(one.machine, one.digest) for one in ends["pull", True] if not one.by_person},
    }


def some(rng):
    """Something that one client does."""
    who = {"client": rng.choice("ab"), "agent": rng.choice([ENGINE, SWARM, TOOL]), "user": rng.choice(["me", None])}
    name = rng.choice("mn")
    about = {**who, "repository": "me/app", "digest": f"sha256:{name}", "reference": rng.choice(["v1", "v2"])}
    match rng.randrange(7):
        case 4:
            refused = {**about, "status": 429, "reason": "rate-limit"}
            return [
                entry(0, "head", **about),
                entry(0, "pull", **{**refused, "reference": about["digest"], "digest": ""}),
            ]
        case 0:
            return [entry(0, "login", **who, registry=rng.choice(["hub", "private"]))]
        case 1:
            return [
                entry(0, rng.choice(["login", "push", "pull", "head"]), **who, status=401, reason=rng.choice("xyz"))
            ]
        case 2:
            return [entry(0, "push", **about)]
        case 3:
            return [entry(0, "head", **about)]
    config = f"sha256:{name}c"
    layers = rng.choice(
        [(config,), (config, config), (config, f"l{name}", "shared"), ("shared", config), (f"l{name}",), ()]
    )
    return pull(rng.choice(["v1", "v2"]), f"sha256:{name}", layers, head=rng.random() < 0.7, **who)


@settings(max_examples=150, deadline=None)
@example(3405606057, 1)  # one machine looks at two images at once, and fetches the first
@example(40154, 1)  # what was refused stood between a look and a pull
@given(st.integers(0, 2**32), st.integers(0, 3))
def test_grading_finds_the_same_in_what_is_kept(seed, cuts):
    rng = random.Random(seed)
    # Two things that happen side by side interleave; each client's own order stays.
    events: list = []
    for _ in range(rng.randrange(10, 150)):
        both = [list(reversed(some(rng))), list(reversed(some(rng)))]
        while any(both):
            events.append(rng.choice([one for one in both if one]).pop())
    events = numbered(events)
    resets = sorted(rng.sample(range(len(events)), rng.randrange(4)))
    told = events
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evidence, "NEWEST", rng.choice([0, 3, 20]))
        for _ in range(cuts):
            told = evidence.kept(told, [{"seq": seq + 0.5} for seq in resets])
    assert [event["seq"] for event in told] == sorted({event["seq"] for event in told})
    assert all(event in events for event in told)
    for since in (0, *resets):
        assert facts(told, since) == facts(events, since)


@pytest.fixture
def log(tmp_path):
    made = AccessLog(tmp_path / "access.jsonl")
    yield made
    made.close()


def add(log, event):
    return log.add(**{key: value for key, value in event.items() if key not in ("seq", "time")})


def size(log):
    return len(json.dumps({"events": log.events, "resets": log.resets}))


def test_what_earned_points_outlives_any_number_of_requests(log, tmp_path):
    first = [entry(0, "login"), *pull()]
    for event in first:
        add(log, event)
    before = facts(log.events)
    for number in range(20_480):
        machine = f"10.0.0.{21 + number % 3}"
        missing = {"repository": "me/gone", "reference": "v1", "status": 404, "reason": "not-found"}
        add(log, entry(0, "head", client=machine, agent=SWARM, **missing))
        if number % 16 == 0:
            add(log, entry(0, "head", client=machine, agent=f"docker/{number}", repository="me/app", digest="sha256:n"))
    now = facts(log.events)
    assert now["sign-ins"] == before["sign-ins"] and now["pulled"] >= before["pulled"]
    assert len(log.events) <= access_log.ROOM + access_log.STEP and size(log) < 200_000
    assert (tmp_path / "access.jsonl").stat().st_size < 200_000
    log.close()
    again = AccessLog(tmp_path / "access.jsonl")
    assert again.events == log.events
    assert again.reset(["x"])["seq"] == log.events[-1]["seq"] + 1
    again.close()


def test_a_log_of_before_is_shortened_when_it_is_read(tmp_path):
    file = tmp_path / "access.jsonl"
    lines = [entry(1, "login"), *(entry(2 + n, "head", status=404, reference=f"v{n}") for n in range(20_000))]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines) + "x" * 10**6 + "\n" + '{"seq": 30')
    log = AccessLog(file)
    assert log.events[0]["seq"] == 1 and log.events[-1]["seq"] == 20_001
    assert len(log.events) <= access_log.ROOM and file.stat().st_size < 200_000
    assert add(log, entry(0, "login"))["seq"] == 20_002
    log.close()


def test_of_resets_the_last_of_each_exercise_is_kept(log):
    for number in range(3000):
        log.reset(["01-login"] if number % 2 else ["03-push", "04-pull"])
    told = msgspec.convert({"events": [], "resets": log.resets}, Log)
    assert (told.begun("01-login"), told.begun("03-push"), told.begun("04-pull")) == (3000, 2999, 2999)
    assert len(log.resets) <= access_log.ROOM + 1


def test_names_that_somebody_makes_up_do_not_make_the_log_large(log):
    add(log, entry(0, "login"))
    for number in range(5000):
        add(log, entry(0, "head", status=404, repository=f"me/{number}", reference=f"v{number}", agent="x" * 1000))
        add(log, entry(0, "pull", repository=f"me/{number}", digest=f"d{number}", agent=f"{number}" + "x" * 1000))
    assert facts(log.events)["sign-ins"] == {("hub", "me")}
    assert size(log) < 1_000_000


def test_a_disk_without_room_leaves_the_log_going_on(log, tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(AccessLog, "_write_anew", full)
    for number in range(access_log.ROOM + 5):
        add(log, entry(0, "head", status=404, reference=f"v{number}"))
    assert log.events[-1]["seq"] == access_log.ROOM + 5
    assert len((tmp_path / "access.jsonl").read_text().splitlines()) == access_log.ROOM + 5
