"""Observes the machine `kubernetes`: its manifests without what Secrets hold, what their schemas say, and the cluster."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from labkit.edge.facts import accounts
from labkit.edge.grammar import clean
from labkit.errors import LabError
from labkit.lab.engine import execute
from labkit.lab.engine.wire import WireError
from labkit.lab.lab import Lab
from labkit.lab.looking import PATIENCE
from labkit.lab.looking.cleaned import texts
from labkit.seen.kubernetes import MACHINE, Declared, Kubernetes, Rollout, SignIn, Unread, items, table

PROGRAM = ["python3", "-I", "/lab/kubernetes/told.py"]

LONGEST = 4 * 1024 * 1024
"""Bytes that the machine may tell."""

KUBECTL = 15.0
"""Seconds more, where kubectl has to build something or to ask a cluster."""

NOT_RUNNING = 409
"""What an engine answers to a command in a container that does not run (Engine API: ContainerExec)."""

VERSION = "1.32"
"""Of Kubernetes: the kubectl of Debian trixie has it."""

CONFIGS = {"kubernetes.io/dockerconfigjson": ".dockerconfigjson", "kubernetes.io/dockercfg": ".dockercfg"}
"""{a pull secret's type: the key of its sign-ins} (https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets)."""

RETURNED = "deployment.kubernetes.io/revision-history"
REVISION = "deployment.kubernetes.io/revision"
"""Annotations of a ReplicaSet: which revision it is now, and which it was before (pkg/controller/deployment/util:
SetNewReplicaSetAnnotations). A Deployment that goes back to an earlier template takes that one's ReplicaSet again."""

NAME, API = re.compile(r"[A-Za-z0-9]+"), re.compile(r"(?:[a-z0-9.-]+/)?v[0-9a-z]+")

Problems = Callable[[dict[str, Any]], tuple[str, ...]]


def look(lab: Lab) -> Kubernetes:
    """A lab without the machine is told as such. Raises LabError, WireError, or what comes of an answer of another form."""
    if lab.state(MACHINE) != "running":
        return Kubernetes()
    try:
        told = execute.told(lab.engine, lab.running(MACHINE).id, PROGRAM, LONGEST, PATIENCE + KUBECTL)
    except WireError as error:
        if error.status == NOT_RUNNING:
            return Kubernetes()  # it has ended since the lab was found
        raise
    return seen(told, accounts(lab.person.username), *schemas())


def seen(told: dict[str, Any], known: Mapping[str, str], version: str, problems: Problems) -> Kubernetes:
    """What the program told, without secrets. `known` are the passwords of the lab's accounts."""
    manifests, unread, plain = [], [], []
    for file in told["files"]:
        name = clean(file["file"], 200)
        if "objects" in file:
            found = [_manifest(name, value, known, problems) for value in file["objects"]]
            manifests += found
        else:
            unread.append(Unread(file=name, why=clean(file["why"], 20), text=_hidden(file["said"], known)))
        if _stands_plain(file, known):
            plain.append(name)
    return Kubernetes(
        there=True,
        manifests=tuple(manifests),
        unread=tuple(unread),
        plain=tuple(plain),
        schemas=version,
        cluster=_cluster(told["cluster"]),
    )


def _manifest(file: str, value: dict[str, Any], known: Mapping[str, str], problems: Problems) -> Declared:
    about = table(value.get("metadata"))
    space = about.get("namespace")
    return Declared(
        file=file,
        kind=clean(value["kind"], 200),
        name=clean(about["name"], 253),
        namespace=clean(space, 253) if isinstance(space, str) and space else "default",
        api=clean(value["apiVersion"], 200),
        value=_without_passwords(_without_data(value), known),
        problems=tuple(_hidden(text, known)[:300] for text in problems(value)),
        opens=sign_ins(value, known) if value["kind"] == "Secret" else None,
    )


# ── what Secrets hold ────────────────────────────────────────────────────────────────────────────────────────────────
def sign_ins(secret: dict[str, Any], known: Mapping[str, str]) -> dict[str, SignIn] | None:
    """The sign-ins of a pull secret, whatever its type says, as kubelet reads them (pkg/credentialprovider/config.go): `auth`
    counts before user name and password. None where there are none that can be read."""
    found = {**_decoded(table(secret.get("data"))), **table(secret.get("stringData"))}
    for key in CONFIGS.values():
        if key in found:
            try:
                read = json.loads(found[key])
                entries = read["auths"] if key == ".dockerconfigjson" else read
                return {clean(server, 300): _sign_in(table(entry), known) for server, entry in entries.items()}
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
                return None
    return None


def _sign_in(entry: dict[str, Any], known: Mapping[str, str]) -> SignIn:
    name, password = entry.get("username"), entry.get("password")
    if entry.get("auth"):
        try:
            name, _, password = base64.b64decode(str(entry["auth"]), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            name = password = ""
    fits = isinstance(name, str) and name in known and password == known[name]
    return SignIn(account=name if isinstance(name, str) and name in known else "?", fits=fits)


def _decoded(data: dict[str, Any]) -> dict[str, str]:
    """The texts of a Secret's `data` that are base64. kubectl takes line breaks in it, Go's decoder skips them."""
    found = {}
    for key, value in data.items():
        try:
            found[key] = base64.b64decode("".join(str(value).split("\n")), validate=True).decode()
        except (binascii.Error, ValueError):
            continue
    return found


def _without_data(value: dict[str, Any]) -> dict[str, Any]:
    if value.get("kind") != "Secret":
        return value
    return {
        key: dict.fromkeys(held, "…") if key in ("data", "stringData") and isinstance(held, dict) else held
        for key, held in value.items()
    }


def _stands_plain(file: dict[str, Any], known: Mapping[str, str]) -> bool:
    """Whether a password stands in a file outside of a Secret: as it is, or in base64, alone or with its user name."""
    objects = file.get("objects", [])
    rest = json.dumps([_without_data(value) for value in objects])
    comments = "\n".join(line.partition("#")[2] for line in str(file["text"]).split("\n") if "#" in line)
    raw = "" if objects else str(file["text"])
    return any(form in place for form in forms(known) for place in (rest, comments, raw))


def forms(known: Mapping[str, str]) -> list[str]:
    pairs = [text for name, password in known.items() for text in (password, f"{name}:{password}")]
    return [*known.values(), *(base64.b64encode(text.encode()).decode() for text in pairs)]


def _hidden(text: Any, known: Mapping[str, str]) -> str:
    told = clean(text, 1000)
    for form in sorted(forms(known), key=len, reverse=True):
        told = told.replace(form, "•••")
    return told


def _without_passwords(value: Any, known: Mapping[str, str]) -> Any:
    """With texts that can be kept and sent, and no password of the lab's in them."""

    def hidden(text: str) -> str:
        return _hidden(text, known)

    return texts(value, hidden, hidden)


# ── schemas ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def schemas() -> tuple[str, Problems]:
    """The version whose schemas manifests are compared with, and what a schema says against a value; "" and nothing where
    they are not installed (labkit's extra `kubernetes`)."""
    try:
        import kubernetes_validate
    except ImportError:
        return "", lambda _: ()

    def problems(value: dict[str, Any]) -> tuple[str, ...]:
        unknown = (f"Kubernetes {VERSION} has no {value['kind']} of {value['apiVersion']}",)
        if not (NAME.fullmatch(value["kind"]) and API.fullmatch(value["apiVersion"])):
            return unknown  # both become parts of a file's name
        try:
            kubernetes_validate.validate(value, VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            where = ".".join(str(part) for part in error.path)
            return (f"{where}: {error.message}" if where else str(error.message),)
        except kubernetes_validate.SchemaNotFoundError:
            return unknown
        return ()

    return VERSION, problems


# ── the cluster ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _cluster(told: Any) -> tuple[Rollout, ...] | None:
    """Raises LabError where the API server did not answer."""
    if told is None:
        return None
    if "failed" in told:
        raise LabError(
            f"The cluster on the machine {MACHINE} does not answer: {clean(told['failed'], 300)}.", "labkit status"
        )
    return tuple(msgspec.convert(one, Rollout) for one in rollouts(told))


def rollouts(told: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """The Deployments of an API server's answers {deployments, replicasets, pods}."""
    for one in told["deployments"]:
        about, spec, status = one["metadata"], one["spec"], table(one.get("status"))
        mine = [each for each in told["replicasets"] if _owned(each, about)]
        newest: dict[str, Any] = max(mine, key=lambda each: int(_notes(each).get(REVISION, 0)), default={})
        owners = [table(each.get("metadata")) for each in mine]
        pods = [each for each in told["pods"] if any(_owned(each, owner) for owner in owners)]
        wanted, updated = int(spec.get("replicas", 1)), int(status.get("updatedReplicas", 0))
        yield {
            "name": clean(about["name"], 253),
            "namespace": clean(about["namespace"], 253),
            "image": clean(spec["template"]["spec"]["containers"][0]["image"], 500),
            "wanted": wanted,
            "updated": updated,
            "ready": int(status.get("readyReplicas", 0)),
            "settled": status.get("observedGeneration", 0) >= about.get("generation", 1)
            and updated == wanted == int(status.get("replicas", 0)) == int(status.get("availableReplicas", 0)),
            "returned": bool(_notes(newest).get(RETURNED)),
            "running": sorted(
                {clean(state.get("imageID"), 500) for pod in pods for state in _states(pod) if state.get("ready")}
            ),
            "trouble": sorted({text for pod in pods for state in _states(pod) if (text := _trouble(state))}),
        }


def _owned(one: dict[str, Any], owner: dict[str, Any]) -> bool:
    owners = items(table(one.get("metadata")).get("ownerReferences"))
    return any(table(each).get("uid") == owner.get("uid") for each in owners)


def _notes(one: dict[str, Any]) -> dict[str, Any]:
    return table(table(one.get("metadata")).get("annotations"))


def _states(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [table(state) for state in items(table(pod.get("status")).get("containerStatuses"))]


def _trouble(state: dict[str, Any]) -> str:
    waits = table(table(state.get("state")).get("waiting"))
    reason, text = clean(waits.get("reason"), 100), clean(waits.get("message"), 300)
    return "" if reason in ("", "ContainerCreating") else f"{reason}: {text}".rstrip(": ")
