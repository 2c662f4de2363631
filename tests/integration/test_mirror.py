"""The machine `mirror`, with a real engine before it and the Hub's stand-in behind it: what is seen of it, and that a reset takes it back."""

from helpers import ROOT, shell

from labkit.content import exercises
from labkit.lab import find
from labkit.lab.lifecycle import provision
from labkit.lab.looking.observe import observe
from labkit.lab.playing import reset
from labkit.seen.lab import SeenLab
from labkit.seen.mirror import Mirror

SET_UP = "proxy && mirrored worker1 && docker --context worker1 pull -q busybox"


def typed(lab, script):
    """In bash, with the words of the attempts."""
    done = shell(lab, f". {ROOT}/solutions/prelude.sh; . {ROOT}/solutions/12-mirror/prelude.sh\n{script}")
    assert done.returncode == 0, done.stdout + done.stderr


def settings(lab):
    found = {}
    for node in lab.nodes:
        with lab.wire(node.machine) as wire:
            found[node.machine] = wire.get("/info")["RegistryConfig"]
    return found


def assert_taken_back(lab, before):
    seen = observe(lab, ["mirror", "registries"])
    mirror = seen.mirror
    assert (mirror.running, mirror.upstream, mirror.repositories) == (True, "", {})
    assert settings(lab) == before
    assert not any(
        image.tags == ("busybox:latest",)
        for _, engine in SeenLab(observe(lab, ["engines"])).workers()
        for image in engine.images
    )


def test_a_mirror_is_seen_and_taken_back(running_lab):
    if "mirror" not in running_lab.parts:
        assert observe(running_lab, ["mirror"]).mirror == Mirror()
    lab = provision.start_extra(reset.reset_all(running_lab), "mirror", print)
    before, nodes = settings(lab), {node.machine: node.id for node in lab.nodes}
    earlier = {
        event.seq for event in SeenLab(observe(lab, ["log"])).events
    }  # a test before may have pulled busybox there
    typed(lab, SET_UP)
    seen = SeenLab(observe(lab, ["mirror", "registries", "log", "engines"]))
    assert seen.mirror.of_hub and seen.mirror.used_by("worker1") and not seen.mirror.used_by("worker2")
    assert list(seen.mirror.repositories) == ["library/busybox"]
    assert seen.registries["mirror:5000"].repositories == seen.mirror.repositories
    (image,) = (image for image in seen.engine("worker1").images if image.tags == ("busybox:latest",))
    (config,) = (one for one in seen.mirror.served if one.reference == image.id)
    assert (config.machine, config.action, config.ok, config.by_engine) == ("worker1", "blob", True, True)
    events = [event for event in seen.events if event.seq not in earlier]
    asked = [event for event in events if event.machine == "mirror" and event.time <= config.time]
    assert {event.action for event in asked} == {"head", "pull", "blob"}
    assert not [event for event in events if event.machine == "worker1" and event.repository == "library/busybox"]

    lab = reset.reset(lab, [exercises.load("12-mirror")])
    assert_taken_back(lab, before)
    typed(lab, f"{SET_UP} && cut_off")
    lab = reset.reset_all(lab)
    assert_taken_back(lab, before)
    assert observe(lab, ["mirror"]).mirror.served == ()
    typed(lab, "on mirror <<< 'getent hosts registry-1.docker.io | grep -v 127.0.0.1'")
    assert {node.machine: node.id for node in find.current().nodes} == nodes, "nothing had to be made anew"
