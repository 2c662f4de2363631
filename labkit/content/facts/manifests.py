"""What Kubernetes would do with the learner's manifests: values in, no cluster needed.

Each question is about one workload: the Deployment that runs the wanted image, and otherwise the one that comes nearest to it.
Sources: the API reference of Kubernetes 1.32 (https://kubernetes.io/docs/reference/kubernetes-api/), and where it says nothing,
the code of kubelet and of the Deployment controller.
"""

import fnmatch
import math
from dataclasses import dataclass
from typing import Any, NoReturn

from labkit.content.check import Evidence, fail, passed, wait_for
from labkit.content.scope import Scope
from labkit.seen.kubernetes import FOLDER, Declared, items, table
from labkit.seen.reference import NoReference, Reference
from labkit.seen.registries import Registry

DEPLOYMENT, SECRET, ACCOUNT = "Deployment", "Secret", "ServiceAccount"
API = "apps/v1"
WORKLOADS = ("Pod", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController", "Job", "CronJob")
"""Other kinds that start containers."""

TYPES = {"kubernetes.io/dockerconfigjson": ".dockerconfigjson", "kubernetes.io/dockercfg": ".dockercfg"}
"""{a pull secret's type: the key that it needs}"""

PROBES = {"readinessProbe": "a readiness probe", "livenessProbe": "a liveness probe"}
PORT = 8080
"""Where the sample app answers."""
PATHS = ("", "index.html")
"""What it serves, below /. A probe's path may lack the slash: it gets one (net/url: URL.String)."""
REPLICAS = 3


# ── the workload ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True)
class Workload:
    """A Deployment, and the container of its pods that runs the app."""

    manifest: Declared
    container: dict[str, Any]

    @property
    def pod(self) -> dict[str, Any]:
        return table(table(self.manifest.spec.get("template")).get("spec"))

    @property
    def image(self) -> Reference | None:
        return image_of(self.container)

    @property
    def title(self) -> str:
        return f"{self.manifest.kind} {self.manifest.name} in {self.manifest.file}"


def image_of(container: dict[str, Any]) -> Reference | None:
    """The container's image; None if it names none that can be read."""
    try:
        return Reference.parse(str(container.get("image", "")))
    except NoReference:
        return None


def workload(lab: Scope, wanted: Reference) -> Workload:
    """The Deployment that runs the wanted image. Of several, one that runs it by the right digest comes before one that runs it
    otherwise, and that before any other."""
    found = [
        Workload(one, container)
        for one in lab.kubernetes.of(DEPLOYMENT)
        for container in containers(table(table(one.spec.get("template")).get("spec")))
    ]
    if not found:
        _explain_missing(lab)
    digests = _digests(lab, wanted)
    return max(found, key=lambda one: _near(one, wanted, digests))


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [table(one) for one in items(pod.get("containers"))] or [{}]


def _near(one: Workload, wanted: Reference, digests: set[str]) -> tuple[bool, bool, bool]:
    image = one.image
    if image is None:
        return (False, False, False)
    same = (image.registry, image.repository) == (wanted.registry, wanted.repository)
    return (same and image.digest in digests, same, image.app == wanted.app)


def _explain_missing(lab: Scope) -> NoReturn:
    seen = lab.kubernetes
    expected = f"a {DEPLOYMENT} ({API}) in {FOLDER}"
    if not seen.there:
        fail("k8s-part-missing", expected=expected, found="no machine kubernetes")
    if odd := seen.unread:
        _fail_unread(odd[0].why, odd[0].file, odd[0].text)
    for other in seen.of(*WORKLOADS):
        fail("k8s-other-kind", expected=expected, found=f"a {other.kind} in {other.file}", kind=other.kind)
    if seen.manifests:
        fail("k8s-no-deployment", expected=expected, found=", ".join(f"{one.kind} {one.name}" for one in seen.objects))
    fail("k8s-no-manifest", expected=expected, found="no manifest")


def _fail_unread(why: str, file: str, text: str) -> NoReturn:
    name = {
        "template": "k8s-template",
        "twice": "k8s-key-twice",
        "kustomize": "k8s-kustomize",
        "object": "k8s-no-object",
    }
    fail(name.get(why, "k8s-no-yaml"), expected="a manifest of Kubernetes", found=text, file=file)


# ── what Kubernetes takes ────────────────────────────────────────────────────────────────────────────────────────────
def are_valid(lab: Scope, wanted: Reference) -> Evidence:
    """Kubernetes would take every file: each is a manifest, fits its schema where the schemas are installed, and a Deployment
    selects its own pods."""
    seen = lab.kubernetes
    workload(lab, wanted)
    for odd in seen.unread:
        _fail_unread(odd.why, odd.file, odd.text)
    for one in seen.manifests:
        if one.kind == DEPLOYMENT and one.api != API:
            fail("k8s-api", expected=API, found=one.api, file=one.file)
        if one.problems:
            fail("k8s-schema", expected=f"what Kubernetes {seen.schemas} knows", found=one.problems[0], file=one.file)
        if one.kind == DEPLOYMENT:
            _selects_its_pods(one)
            _has_right_types(one)
    saw = f"{len(seen.manifests)} objects in {len({one.file for one in seen.manifests})} files"
    return (
        passed(f"{saw}, by the schemas of Kubernetes {seen.schemas}") if seen.schemas else passed(saw, "k8s-no-schemas")
    )


def _selects_its_pods(one: Declared) -> None:
    wanted = table(table(one.spec.get("selector")).get("matchLabels"))
    labels = table(table(table(one.spec.get("template")).get("metadata")).get("labels"))
    if not wanted and not table(one.spec.get("selector")).get("matchExpressions"):
        fail("k8s-selector", expected="spec.selector.matchLabels", found="no selector", file=one.file)
    if odd := {key: value for key, value in wanted.items() if labels.get(key) != value}:
        told = ", ".join(f"{key}: {value}" for key, value in odd.items())
        fail("k8s-selector", expected=f"the label {told} in the pod template", found=_labels(labels), file=one.file)


def _labels(labels: dict[str, Any]) -> str:
    return ", ".join(f"{key}: {value}" for key, value in labels.items()) or "no labels"


def _has_right_types(one: Declared) -> None:
    """What the schema would say of those values that the checks read, for a lab without schemas."""
    replicas = one.spec.get("replicas")
    if replicas is not None and not is_number(replicas):
        fail("k8s-schema", expected="a number", found=f"spec.replicas: {replicas!r}", file=one.file)


def is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# ── the image ────────────────────────────────────────────────────────────────────────────────────────────────────────
def runs_by_digest(lab: Scope, wanted: Reference) -> str:
    """The Deployment names the wanted image by the digest that the lab's registry has it under. A tag beside the digest is only
    read by people."""
    found, registry = workload(lab, wanted), lab.registry_of(wanted)
    text = str(found.container.get("image", "")) or "no image"
    values = {"file": found.manifest.file, "repository": wanted.name, "registry": registry.host, "tag": wanted.version}
    expected = f"{wanted.name}@{registry.digest(wanted)}"
    image = found.image
    if image is None:
        fail("k8s-image-name", expected=expected, found=text, **values)
    if image.registry != wanted.registry:
        fail("k8s-other-registry", expected=expected, found=text, **values)
    if image.repository != wanted.repository:
        fail("k8s-other-repository", expected=expected, found=text, **values)
    if not image.digest:
        fail("k8s-by-tag", expected=expected, found=text, **values)
    if image.digest not in _digests(lab, wanted):
        of = [one.key for one in lab.registries.values() if image.digest in _ids(one)]
        fail("k8s-image-id" if of else "k8s-other-digest", expected=expected, found=text, **values)
    if found.container.get("imagePullPolicy") == "Never":
        fail("k8s-never-pulls", expected="imagePullPolicy: IfNotPresent or Always", found="Never", **values)
    return f"{found.title}: {image}"


def _digests(lab: Scope, wanted: Reference) -> set[str]:
    """The digest of the wanted image; of an index, those of its images too."""
    registry = lab.registry_of(wanted)
    digest = registry.digest(wanted)
    manifest = registry.manifests.get(digest or "")
    return {one for one in (digest, *(manifest.manifests if manifest else ())) if one}


def _ids(registry: Registry) -> set[str]:
    """What engines call their images: the digest of the config."""
    return {manifest.config for manifest in registry.manifests.values() if manifest.config}


# ── the pull secret ──────────────────────────────────────────────────────────────────────────────────────────────────
def opens(one: Declared, wanted: Reference) -> bool:
    """Whether kubelet could pull the image with this Secret."""
    key = TYPES.get(str(one.value.get("type", "")))
    filled = key in table(one.value.get("data")) or key in table(one.value.get("stringData"))
    return bool(key and filled) and any(
        sign_in.fits and is_for(server, wanted) for server, sign_in in (one.opens or {}).items()
    )


def is_for(server: str, image: Reference) -> bool:
    """Whether kubelet uses the sign-in under this name for that image (pkg/credentialprovider/keyring.go: URLsMatch): scheme
    and API version do not count, the port does, * stands for a part of the host, and a path must begin the image's."""
    rest = server.partition("://")[2] or server
    host, _, path = rest.partition("/")
    for version in ("v1", "v2"):
        path = "" if path.rstrip("/") == version else path.removeprefix(f"{version}/")
    name, _, port = host.partition(":")
    own, _, its = image.registry.partition(":")
    parts, wanted = name.split("."), own.split(".")
    same = len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, wanted, parts))
    return same and port == its and f"{image.repository}/".startswith(path)


def has_pull_secret(lab: Scope, wanted: Reference) -> str:
    """A Secret of a pull secret's type holds a sign-in that may pull the image."""
    seen = lab.kubernetes
    secrets = seen.of(SECRET)
    expected = f"a Secret that opens {wanted.registry}"
    for one in secrets:
        if opens(one, wanted):
            account = next(each.account for server, each in (one.opens or {}).items() if is_for(server, wanted))
            return f"Secret {one.name} in {one.file}: {account} at {wanted.registry}"
    if not secrets:
        if not seen.there:
            fail("k8s-part-missing", expected=expected, found="no machine kubernetes")
        if seen.unread and not seen.manifests:
            _fail_unread(seen.unread[0].why, seen.unread[0].file, seen.unread[0].text)
        fail("k8s-no-secret", expected=expected, found=", ".join(one.kind for one in seen.objects) or "no manifest")
    one = max(secrets, key=lambda each: (bool(each.opens), str(each.value.get("type", "")) in TYPES))
    kind = str(one.value.get("type") or "Opaque")
    values = {"file": one.file, "name": one.name}
    if kind not in TYPES:
        fail("k8s-secret-type", expected=next(iter(TYPES)), found=kind, **values)
    held = {**table(one.value.get("data")), **table(one.value.get("stringData"))}
    if TYPES[kind] not in held:
        fail("k8s-secret-key", expected=TYPES[kind], found=", ".join(held) or "no data", **values)
    if not one.opens:
        fail("k8s-secret-unreadable", expected="sign-ins as docker keeps them", found="something else", **values)
    here = {server: each for server, each in one.opens.items() if is_for(server, wanted)}
    if not here:
        fail("k8s-secret-registry", expected=wanted.registry, found=", ".join(one.opens), **values)
    account = ", ".join(each.account for each in here.values())
    fail("k8s-secret-account", expected="an account of the registry, with its password", found=account, **values)


def uses_secret(lab: Scope, wanted: Reference) -> str:
    """The Deployment's pods pull with a Secret that opens the registry: named in the pod template, or by their account."""
    found = workload(lab, wanted)
    space, file = found.manifest.namespace, found.manifest.file
    mine = {one.name: one for one in lab.kubernetes.of(SECRET) if one.namespace == space}
    good = [name for name, one in mine.items() if opens(one, wanted)]
    named, by = _named(lab, found)
    if hit := [name for name in named if name in good]:
        return f"{by}: {hit[0]}"
    expected = f"imagePullSecrets: {good[0]}" if good else "imagePullSecrets"
    values = {"file": file, "space": space}
    if not named:
        if place := _misplaced(found):
            fail("k8s-secret-misplaced", expected="spec.template.spec.imagePullSecrets", found=place, **values)
        if table(found.pod).get("imagePullSecrets"):
            fail("k8s-secret-list", expected="- name: NAME", found=str(found.pod["imagePullSecrets"]), **values)
        fail("k8s-secret-unused", expected=expected, found="no imagePullSecrets", **values)
    elsewhere = [one for one in lab.kubernetes.of(SECRET) if one.name in named and one.namespace != space]
    if elsewhere:
        fail(
            "k8s-secret-namespace", expected=f"namespace {space}", found=f"namespace {elsewhere[0].namespace}", **values
        )
    fail("k8s-secret-name", expected=", ".join(good) or "a pull secret", found=", ".join(named), **values)


def _named(lab: Scope, found: Workload) -> tuple[list[str], str]:
    """The Secrets that the pods pull with, and who names them. Those of the service account count only where the pod names none
    (plugin/pkg/admission/serviceaccount)."""
    names = _names(found.pod.get("imagePullSecrets"))
    if names:
        return names, "the pod template"
    account = found.pod.get("serviceAccountName") or found.pod.get("serviceAccount") or "default"
    for one in lab.kubernetes.of(ACCOUNT):
        if (one.name, one.namespace) == (account, found.manifest.namespace):
            return _names(one.value.get("imagePullSecrets")), f"the service account {account}"
    return [], ""


def _names(value: Any) -> list[str]:
    return [table(one)["name"] for one in items(value) if isinstance(table(one).get("name"), str)]


def _misplaced(found: Workload) -> str:
    """Where imagePullSecrets stands that nobody reads."""
    places = {
        "spec": found.manifest.spec,
        "spec.template": table(found.manifest.spec.get("template")),
        "the container": found.container,
        "the top": found.manifest.value,
        "metadata": table(found.manifest.value.get("metadata")),
    }
    return next((name for name, value in places.items() if "imagePullSecrets" in value), "")


def keeps_password(lab: Scope, wanted: Reference) -> str:
    """No password of the lab's stands outside of a Secret."""
    if files := lab.kubernetes.plain:
        fail("k8s-plain", expected="the password in the Secret only", found=", ".join(files), file=files[0])
    return "the password stands in the Secret only"


# ── probes ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def asks_app(lab: Scope, wanted: Reference) -> str:
    """The container has both probes, and each of them asks the app."""
    found = workload(lab, wanted)
    for key, title in PROBES.items():
        probe = table(found.container.get(key))
        values = {"file": found.manifest.file, "probe": title}
        if not probe:
            place = " (it stands beside the containers)" if key in found.pod else ""
            fail("k8s-no-probe", expected=title, found=f"none{place}", **values)
        _asks(probe, found, values)
    return f"{' and '.join(PROBES.values())}, at port {PORT}"


def _asks(probe: dict[str, Any], found: Workload, values: dict[str, Any]) -> None:
    if web := table(probe.get("httpGet")):
        _right_port(web.get("port"), found, values)
        if str(web.get("scheme", "HTTP")).upper() != "HTTP":
            fail("k8s-probe-scheme", expected="HTTP", found=str(web["scheme"]), **values)
        if web.get("host"):
            fail("k8s-probe-host", expected="no host", found=str(web["host"]), **values)
        path = str(web.get("path") or "").partition("?")[0]
        if path.removeprefix("/") not in PATHS:
            fail("k8s-probe-path", expected="/", found=path, **values)
    elif socket := table(probe.get("tcpSocket")):
        _right_port(socket.get("port"), found, values)
    elif command := table(probe.get("exec")).get("command"):
        told = " ".join(map(str, items(command)))
        if str(PORT) not in told:
            fail("k8s-probe-exec", expected=f"a command that asks port {PORT}", found=told, **values)
    else:
        fail("k8s-probe-empty", expected="httpGet", found=", ".join(probe), **values)


def _right_port(port: Any, found: Workload, values: dict[str, Any]) -> None:
    """A number, or the name of one of the container's ports. A number in quotation marks is a name without a letter: Kubernetes
    refuses it."""
    named = {table(one).get("name"): table(one).get("containerPort") for one in items(found.container.get("ports"))}
    if (named.get(port) if isinstance(port, str) else port) == PORT and not isinstance(port, bool):
        return
    fail("k8s-probe-port", expected=str(PORT), found=repr(port) if isinstance(port, str) else str(port), **values)


# ── updates ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def updates_gently(lab: Scope, wanted: Reference) -> str:
    """Three replicas, and an update that always leaves two of them. Without a strategy, Kubernetes has a gentle one."""
    found = workload(lab, wanted)
    spec, values = found.manifest.spec, {"file": found.manifest.file}
    replicas = spec.get("replicas", 1)
    if replicas != REPLICAS or not is_number(replicas):
        fail(
            "k8s-replicas",
            expected=str(REPLICAS),
            found=repr(replicas) if "replicas" in spec else "1, as none is said",
            **values,
        )
    if spec.get("paused") is True:
        fail("k8s-paused", expected="a Deployment that is not paused", found="paused: true", **values)
    if not isinstance(spec.get("strategy") or {}, dict):
        fail("k8s-share", expected="a strategy with a type", found=f"strategy: {spec['strategy']!r}", **values)
    strategy = table(spec.get("strategy"))
    if (kind := strategy.get("type") or "RollingUpdate") != "RollingUpdate":
        fail("k8s-recreate", expected="RollingUpdate", found=str(kind), **values)
    rolling = table(strategy.get("rollingUpdate"))
    most, more = rolling.get("maxUnavailable", "25%"), rolling.get("maxSurge", "25%")
    away, surge = share(most, REPLICAS, math.floor), share(more, REPLICAS, math.ceil)
    if away is None or surge is None:
        odd = f"maxUnavailable: {most!r}, maxSurge: {more!r}"
        fail("k8s-share", expected="numbers, or percentages as “25%”", found=odd, **values)
    if _nothing(most) and _nothing(more):
        fail("k8s-stuck", expected="maxSurge or maxUnavailable above 0", found="both are 0", **values)
    away = away or (0 if surge else 1)  # pkg/controller/deployment/util: ResolveFenceposts
    if away > 1:
        fail("k8s-unavailable", expected="maxUnavailable: 0 or 1", found=f"maxUnavailable: {most}", **values)
    return f"{REPLICAS} replicas, of which an update always leaves {REPLICAS - away}"


def share(value: Any, whole: int, to_number: Any) -> int | None:
    """So many of the whole: a number, or a percentage. None for anything else."""
    if is_number(value):
        return int(value) if value >= 0 else None
    text = value.removesuffix("%") if isinstance(value, str) and value.endswith("%") else ""
    return int(to_number(int(text) * whole / 100)) if text.isascii() and text.isdigit() and len(text) < 6 else None


def _nothing(value: Any) -> bool:
    return value in (0, "0%")


# ── in the cluster ───────────────────────────────────────────────────────────────────────────────────────────────────
NO_CLUSTER = (
    "This lab has no Kubernetes cluster, as the image of k3s can't be had here: applying the manifests, and going back to the "
    "version before, are not asked for."
)


def no_cluster(lab: Scope) -> str:
    """Why nothing is asked of a cluster; "" where there is one."""
    return NO_CLUSTER if lab.kubernetes.cluster is None else ""


def is_rolled_out(lab: Scope, wanted: Reference) -> str:
    """The cluster runs the wanted image, from the lab's registry, in every replica."""
    digests = _digests(lab, wanted)
    running = lab.kubernetes.cluster or ()
    expected = f"{REPLICAS} ready pods of {wanted.name}"
    mine = [one for one in running if wanted.app in one.image]
    if not mine:
        fail("k8s-not-applied", expected=expected, found=", ".join(one.name for one in running) or "no Deployment")
    one = max(mine, key=lambda each: (_digest(each.image) in digests, each.ready))
    if _digest(one.image) not in digests:
        fail("k8s-applied-other", expected=expected, found=one.image)
    if one.trouble:
        fail("k8s-pod-waits", expected=expected, found="; ".join(one.trouble))
    if not one.settled or one.ready < REPLICAS:
        wait_for(f"{one.ready} of {one.wanted} pods are ready", found=f"{one.ready} ready, {one.updated} updated")
    return f"{one.ready} pods of {one.image}"


def _digest(image: str) -> str:
    return image.partition("@")[2]


def is_rolled_back(lab: Scope, wanted: Reference) -> str:
    """A Deployment of the app runs again what one of its earlier revisions ran."""
    mine = [one for one in lab.kubernetes.cluster or () if wanted.app in one.image]
    if any(one.returned for one in mine):
        return "it runs what an earlier revision ran"
    fail(
        "k8s-not-back",
        expected="an earlier revision again",
        found=", ".join(one.name for one in mine) or "no Deployment",
    )
