"""A registry of the learner's own, secrets in images, robots, signatures, and what a deploy.sh lets through."""

from labkit.content.check import fail, wait_for
from labkit.content.scope import Scope
from labkit.seen import reference
from labkit.seen.log import Action, Event
from labkit.seen.secured import Answer, Built, Deployed, DeployTrial, Leak, Own

SERVICE = "shop"
ROBOT = "robot$"
LOCAL = ("localhost", "127.0.0.1", "[::1]")
"""Hosts that mean another machine on each machine."""

REACHED = (Answer.SIGN_IN, Answer.OPEN)


# ── a registry of one's own ──────────────────────────────────────────────────────────────────────────────────────────────


def own_registry(lab: Scope) -> tuple[str, Own]:
    """Its address, and what is seen of it: of several, the one that is farthest."""
    held = lab.secured.own
    usable = {host: own for host, own in held.items() if host.rpartition(":")[0] not in LOCAL}
    if not usable and held:
        fail("own-localhost", expected="an address that every machine reaches", found=sorted(held))
    if not usable:
        fail("own-none", expected="a registry of your own", found="none")
    return max(usable.items(), key=lambda one: (_worth(one[1]), one[0]))


def _worth(own: Own) -> tuple[int, int, bool]:
    sound = [probe for probe in own.probes.values() if probe.answer in REACHED and not probe.insecure]
    return (sum(probe.answer == Answer.SIGN_IN for probe in sound), len(sound), bool(own.machine))


def is_trusted(lab: Scope) -> str:
    """Every machine's engine reaches the registry by TLS, and checks its certificate."""
    host, own = own_registry(lab)
    insecure = [machine for machine, probe in own.probes.items() if probe.insecure]
    if insecure:
        fail("own-insecure", expected="a certificate that is checked", found=insecure, host=host, **_on(insecure))
    if plain := own.answering(Answer.HTTP):
        fail("own-http", expected="TLS", found="plain HTTP", host=host, **_on(plain))
    if named := own.answering(Answer.OTHER_NAME):
        fail("own-other-name", expected=host, found=own.probes[named[0]].said, host=host, **_on(named))
    if expired := own.answering(Answer.EXPIRED):
        fail("own-expired", expected="a certificate that is valid", found=own.probes[expired[0]].said, host=host)
    if silent := own.answering(Answer.SILENT):
        fail("own-silent", expected=f"{host} answers", found=own.probes[silent[0]].said, host=host, **_on(silent))
    if lacking := own.answering(Answer.UNTRUSTED):
        trusting = [machine for machine in own.probes if machine not in lacking]
        part = "own-trusted-in-part" if trusting else "own-untrusted"
        fail(part, expected="trusted by every machine", found=f"not by {_named(lacking)}", host=host, **_on(lacking))
    return f"{', '.join(own.probes)} trust {host}"


def _on(machines: list[str]) -> dict[str, str]:
    return {"machines": _named(machines), "machine": machines[0]}


def _named(machines: list[str]) -> str:
    return " and ".join([", ".join(machines[:-1]), machines[-1]] if len(machines) > 1 else machines)


def asks_for_sign_in(lab: Scope) -> str:
    """The registry serves nobody without a sign-in."""
    host, own = own_registry(lab)
    if own.answering(Answer.OPEN):
        fail("own-open", expected="a sign-in", found="an answer without one", host=host)
    return f"{host} answers: no basic auth credentials"


def sign_in_is_kept(lab: Scope) -> str:
    """The sign-in to it is in a credential helper, and in no config.json."""
    host, _ = own_registry(lab)
    kept = lab.secured.kept.get(host, "")
    plain = [place for place, held in sorted(lab.sign_ins.items()) if held.get(host)]
    if kept == "both":
        fail("kept-beside", expected="in the helper alone", found="in the helper and in config.json", host=host)
    if kept == "plain":
        fail("kept-plain", expected="in a credential helper", found="in ~/.docker/config.json on tools", host=host)
    if plain:
        places = ["your own machine" if place == "here" else place for place in plain]
        fail("kept-elsewhere", expected="in no config.json", found=places, host=host, places=", ".join(places))
    if not kept:
        fail("kept-nowhere", expected=host, found=sorted(lab.secured.kept) or "no sign-in", host=host)
    return f"the helper on tools has the sign-in to {host}"


def is_carried(lab: Scope) -> str:
    """An image went from one machine to another by way of this registry."""
    host, _ = own_registry(lab)
    having = [
        machine
        for machine in lab.machines
        if any(_registry(name) == host for image in lab.engine(machine).images for name in image.digests)
    ]
    if len(having) < 2:
        found = f"on {having[0]} only" if having else "on no machine"
        fail("own-not-pulled", expected="on two machines", found=found, host=host)
    return f"{_named(having)} have an image of {host}"


def _registry(name: str) -> str:
    found = reference.parse(name)
    return found.registry if found else ""


# ── the shop on Harbor ───────────────────────────────────────────────────────────────────────────────────────────────────


def released(lab: Scope) -> tuple[str, Built]:
    """(repository, image) of the shop's release, under the learner's version."""
    version, images = lab.person.version, lab.secured.images
    found = [(repository, held.tags[version]) for repository, held in images.items() if version in held.tags]
    if not found:
        tags = [f"{repository}:{tag}" for repository, held in sorted(images.items()) for tag in sorted(held.tags)]
        diagnosis = "shop-other-tag" if tags else "shop-not-pushed"
        fail(diagnosis, expected=f"harbor.lab/…/shop:{version}", found=tags or "nothing", version=version)
    return max(found, key=lambda one: (one[1].signed == "good", not one[1].leaks, one[0]))


def has_no_secret(lab: Scope) -> str:
    """The secret is nowhere in the release, and in no other image of the shop there."""
    repository, built = released(lab)
    name = f"{repository}:{lab.person.version}"
    if built.leaks:
        leak = min(built.leaks, key=lambda one: PLACES.index(one.place) if one.place in PLACES else -1)
        values = {"expected": "no token", "found": _told(built.leaks), "image": name, "name": leak.name}
        if leak.place == "file":
            fail("secret-in-a-file", **values)
        if leak.place == "removed later":
            fail("secret-removed-later", **values)
        if leak.place == "history":
            fail("secret-in-the-history", **values)
        fail("secret-in-the-settings", **values)
    if not built.whole:
        fail("shop-no-prices", expected="/www/prices.txt", found="an image without it", image=name)
    for tag, other in sorted(lab.secured.images[repository].tags.items()):
        if other.leaks:
            found = _told(other.leaks)
            fail("secret-in-other-tag", expected="no token", found=found, image=f"{repository}:{tag}")
    return f"no token in the layers, the settings and the history of {name}"


PLACES = ("file", "removed later", "environment", "label", "command", "history")
"""Where a secret may be, what is told first."""


def _told(leaks: tuple[Leak, ...]) -> list[str]:
    return [f"{leak.place}: {leak.name}" if leak.name else leak.place for leak in leaks]


def is_signed(lab: Scope) -> str:
    """The release's digest has a signature by the key of the learner's cosign.pub."""
    repository, built = released(lab)
    values = {"image": f"{repository}:{lab.person.version}", "digest": built.digest[:19]}
    if built.signed == "good":
        return f"{built.digest[:19]} is signed"
    if not lab.secured.key:
        fail("sign-no-key", expected="/root/shop/cosign.pub", found="no such file", **values)
    if built.signed:
        fail("sign-other-key", expected="by the key of cosign.pub", found="by another key", **values)
    signed = lab.secured.images[repository].signed
    if signed:
        fail("sign-other-digest", expected=built.digest, found=list(signed), **values)
    fail("sign-none", expected="a signature", found="none", **values)


# ── the robot ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def robot_pulls(lab: Scope) -> str:
    """The Swarm pulled the shop as a robot that can do nothing but pull."""
    service = lab.swarm.services.get(SERVICE)
    if service is None:
        fail("robot-no-service", expected=SERVICE, found=sorted(lab.swarm.services) or "no service")
    image = reference.parse(service.image)
    registry = lab.registry_at(image.registry) if image else None
    if image is None or registry is None or registry.key != "harbor":
        fail("robot-elsewhere", expected="an image of harbor.lab", found=service.image)
    pulls = [
        event
        for event in lab.since
        if (event.registry, event.repository) == (registry.key, image.repository)
        and event.action in (Action.HEAD, Action.PULL, Action.BLOB)
        and event.from_engine
        and not event.by_person
    ]
    served = [event for event in pulls if event.ok]
    if not served:
        if lab.moving:
            wait_for(
                f"the tasks of {SERVICE}", found="no pull yet", since=service.tasks[0].since if service.tasks else ""
            )
        found = f"its last one was {_who(pulls[-1])}" if pulls else "there is no pull by a node"
        fail("robot-no-pull", expected="a pull by the Swarm", found=found)
    last = served[-1]
    if last.user is None:
        fail("robot-anonymous", expected="a robot", found="nobody: the project is public")
    if not last.user.startswith(ROBOT):
        fail("robot-person", expected="a robot", found=last.user, user=last.user)
    robot = lab.secured.robots.get(last.user)
    if robot is None or robot.disabled:
        fail("robot-gone", expected=last.user, found=sorted(lab.secured.robots) or "no robot", user=last.user)
    if not robot.only_pulls:
        fail("robot-can-more", expected="repository:pull", found=list(robot.rights), user=last.user)
    return f"the Swarm pulled {image.repository} as {last.user}"


def _who(event: Event) -> str:
    return f"refused for {event.user or 'nobody'}: {event.reason or event.status}"


def robot_is_harmless(lab: Scope) -> str:
    """Somebody tried to push as a robot, and was refused."""
    tries = [
        event
        for event in lab.since
        if event.registry == "harbor"
        and event.action in (Action.PUSH, Action.DELETE)
        and (event.user or "").startswith(ROBOT)
    ]
    if not tries:
        fail("robot-not-tried", expected="a push as the robot", found="none")
    last = tries[-1]
    if last.ok:
        fail("robot-pushed", expected="a refusal", found=f"{last.user} pushed {last.repository}", user=last.user)
    return f"{last.user} was refused a push to {last.repository}"


# ── deploy.sh ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def lets_only_signed_through(lab: Scope) -> str:
    """deploy.sh deploys the signed image, by its digest, and nothing else."""
    _, built = released(lab)
    trial = lab.secured.trial
    if trial is None or (trial.script, trial.digest) != (lab.secured.script, built.digest):
        found = "a trial of an earlier one" if trial else "no trial"
        found = found if lab.secured.script else "no deploy.sh in /root/shop"
        fail("guard-untried", expected="a trial of this deploy.sh", found=found)
    _refuses(trial, "unsigned")
    _refuses(trial, "other-key")
    signed = _run(trial, "signed")
    if _digest(signed.service) != signed.good:
        found = signed.service or "no service"
        fail("guard-signed-refused", expected=signed.good, found=found, status=signed.status, said=_last(signed))
    if signed.status:
        fail("guard-signed-fails", expected="exit status 0", found=signed.status, said=_last(signed))
    moved = _run(trial, "moved")
    if _digest(moved.service) == moved.bad:
        fail("guard-moved", expected=moved.good, found=moved.service)
    if _digest(moved.service) != moved.good:
        fail("guard-changed", expected=moved.good, found=moved.service or "no service", kind="a tag that was moved")
    return f"{signed.good[:19]} was deployed, and nothing else"


KINDS = {"unsigned": "an image that nobody signed", "other-key": "an image that another key signed"}


def _refuses(trial: DeployTrial, kind: str) -> None:
    run = _run(trial, kind)
    ran = [one for one in run.services if run.bad in one]
    if _digest(run.service) == run.bad or ran:
        deployed = "guard-unsigned" if kind == "unsigned" else "guard-other-key"
        fail(deployed, expected="a refusal", found=run.service or ran[0])
    if run.service != run.before:
        fail("guard-changed", expected=run.before or "no service", found=run.service or "no service", kind=KINDS[kind])
    if run.status in (0, -1):
        found = "it ended with status 0" if run.status == 0 else "it did not end within a minute"
        fail("guard-silent", expected="an exit status that is not 0", found=found, kind=KINDS[kind])


def _run(trial: DeployTrial, kind: str) -> Deployed:
    found = trial.of(kind)
    if found is None:
        fail("guard-untried", expected="a whole trial", found=f"a trial without the part “{kind}”")
    return found


def _digest(image: str) -> str:
    found = reference.parse(image)
    return found.digest if found else ""


def _last(run: Deployed) -> str:
    lines = [line for line in run.said.splitlines() if line.strip()]
    return lines[-1][:150] if lines else "nothing"
