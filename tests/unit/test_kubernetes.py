"""Manifests: how the machine reads them, what is kept of them, and what Kubernetes would do with them, by values."""

import base64
import json
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from world import World, sha

import labkit
from labkit.content import exercises
from labkit.content.facts import manifests as facts
from labkit.errors import LabError
from labkit.grading.grade import grade, grade_one
from labkit.grading.report import Outcome
from labkit.lab.engine import recipes
from labkit.lab.engine.wire import WireError
from labkit.lab.looking import kubernetes as looking
from labkit.lab.plan import EXTRAS, Plan
from labkit.lab.playing import scope
from labkit.seen.kubernetes import Kubernetes
from labkit.seen.reference import Reference
from labkit.view import plain, render

sys.path.insert(0, str(Path(labkit.__file__).parent / "lab" / "kubernetes"))
import pause
import told

SLUG = "13-kubernetes"
KNOWN = {"myusername": "mypassword", "colleague": "theirpassword"}
REPOSITORY = "registry.lab:5000/myusername/myapp"
WANTED = Reference.parse(f"{REPOSITORY}:v1.0.0")
ASK = {"httpGet": {"path": "/", "port": 8080}}


def deployment(**spec):
    """A Deployment that earns all points; `container` and `pod` change those."""
    container = {"name": "myapp", "image": f"{REPOSITORY}@DIGEST", "readinessProbe": ASK, "livenessProbe": ASK}
    container = {key: one for key, one in (container | spec.pop("container", {})).items() if one is not None}
    pod = {"imagePullSecrets": [{"name": "pull"}], "containers": [container]} | spec.pop("pod", {})
    labels = {"app": "myapp"}
    rest = {
        "replicas": 3,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "myapp"}, "spec": rest | spec}


def auth(name="myusername", password="mypassword"):
    return base64.b64encode(f"{name}:{password}".encode()).decode()


def secret(server="registry.lab:5000", entry=None, kind="kubernetes.io/dockerconfigjson", key=".dockerconfigjson"):
    held = json.dumps({"auths": {server: entry or {"auth": auth()}}})
    data = {key: base64.b64encode(held.encode()).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pull"}, "type": kind, "data": data}


def seen(*values, cluster=None, problems=lambda _: ()):
    """What is kept of these objects, each from a file of its own."""
    files = [
        {"file": f"{number}.yaml", "text": json.dumps(value), "objects": [value]} for number, value in enumerate(values)
    ]
    return looking.seen({"files": files, "cluster": cluster}, KNOWN, "", problems)


def lab(*values, **how):
    world = World()
    digest = world.hold("myusername/myapp", "v1.0.0", registry="private")
    text = json.dumps(values or (deployment(), secret())).replace("DIGEST", digest)
    world.data["kubernetes"] = looking.msgspec.to_builtins(seen(*json.loads(text), **how))
    return world


def verdicts(world):
    result = grade_one(exercises.load(SLUG), world.observation)
    return {one.id: one.diagnosis or one.outcome.value for one in result.checks}


def verdict(check, *values, **how):
    return verdicts(lab(*values, **how))[check]


# ── the machine's program ────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: b}",
            ["Pod", "Secret"],
        ),
        ('{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}', ["Pod"]),
        ("apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a}", ["Pod"]),
        ("# nothing but a comment\n", []),
        ("", []),
        ('apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {x: "{{ready}}"}}', ["Pod"]),
    ],
)
def test_documents_lists_and_json_are_read_as_objects(text, kinds):
    assert [one["kind"] for one in told.read(text, "a.yaml")["objects"]] == kinds


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("image: {{ .Values.image }}", "template"),
        ('apiVersion: v1\nkind: Pod\nmetadata: {name: "{{ .Release.Name }}"}', "template"),
        ("{{- if .Values.x }}\na: b\n{{- end }}", "template"),
        ("a: b: c", "yaml"),
        ("a:\n\tb: c", "yaml"),
        ("spec:\n  a: 1\n  a: 2", "twice"),
        ("? [a, b]\n: c", "yaml"),
        ("todo: [probes]", "object"),
        ("just a text", "object"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {generateName: a}", "object"),
        (
            "a: &a [x, x]\nb: &b [*a, *a]\n"
            + "".join(f"c{n}: &c{n} [*{'b' if not n else f'c{n - 1}'}, *b]\n" for n in range(4))
            + "d: .inf",
            "yaml",
        ),
        ("a: &a [*a]", "yaml"),
    ],
)
def test_what_is_no_manifest_is_told_with_its_reason(text, why):
    assert told.read(text, "a.yaml")["why"] == why


def test_a_file_that_grows_without_end_is_refused():
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"] + [
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    assert told.read("\n".join(lines), "a.yaml")["why"] == "yaml"


def test_dates_stay_texts_and_keys_become_texts():
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {day: 2026-01-01, 1: x}"
    assert told.read(text, "a.yaml")["objects"][0]["data"] == {"day": "2026-01-01", "1": "x"}


def test_files_come_in_the_order_in_which_kubectl_applies_them(tmp_path):
    for name in ("b.yaml", "a.yml", "c.json", "notes.txt", "sub/d.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}')
    assert [one["file"] for one in told.told(tmp_path)] == ["a.yml", "b.yaml", "c.json", "sub/d.yaml"]


def test_a_folder_with_a_kustomization_is_what_kubectl_makes_of_it(tmp_path, monkeypatch):
    (tmp_path / "kustomization.yaml").write_text("resources: [a.yaml]")
    (tmp_path / "a.yaml").write_text("# mypassword")
    stand_in(tmp_path, monkeypatch, "echo 'apiVersion: v1'; echo 'kind: Pod'; echo 'metadata: {name: a}'")
    (found,) = told.told(tmp_path)
    assert [one["kind"] for one in found["objects"]] == ["Pod"]
    assert "mypassword" in found["text"], "what the files say counts for what stands in plain sight"
    stand_in(tmp_path, monkeypatch, "echo 'error: no such file' >&2; exit 1")
    assert told.told(tmp_path)[0]["why"] == "kustomize"


def stand_in(folder, monkeypatch, script):
    """A `kubectl` of these commands."""
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / "kubectl").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "bin" / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:/usr/bin:/bin")


def test_a_machine_that_has_ended_since_is_one_that_is_not_there(monkeypatch):
    from types import SimpleNamespace

    lab = SimpleNamespace(state=lambda _: "running", running=lambda _: SimpleNamespace(id="x"), engine=None)
    for status, found in ((409, Kubernetes()), (500, None)):

        def refused(*_, status=status):
            raise WireError("container is not running", status)

        monkeypatch.setattr(looking.execute, "printed", refused)
        if found:
            assert looking.look(lab) == found
        else:
            with pytest.raises(WireError):
                looking.look(lab)
    assert looking.look(SimpleNamespace(state=lambda _: "missing")) == Kubernetes()


# ── what is kept ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_no_password_is_kept_of_a_secret_or_of_anything_else():
    leaky = deployment(container={"env": [{"name": "P", "value": "mypassword"}, {"name": "Q", "value": auth()}]})
    kept = seen(
        secret(entry={"username": "myusername", "password": "mypassword"}), leaky, problems=lambda _: ("mypassword",)
    )
    text = looking.msgspec.json.encode(kept).decode()
    for form in looking.forms(KNOWN):
        assert form not in text
    assert kept.plain == ("1.yaml",)
    assert kept.manifests[0].value["data"] == {".dockerconfigjson": "…"}


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("# mypassword", True),
        ("a: b # the password: mypassword", True),
        ("a: mypassword", True),
        ("a: b", False),
        ("a: my password", False),
    ],
)
def test_a_password_in_plain_sight(text, plain):
    file = {"file": "a.yaml", "text": text, "why": "object", "said": ""}
    assert bool(looking.seen({"files": [file], "cluster": None}, KNOWN, "", lambda _: ()).plain) is plain


@pytest.mark.parametrize(
    ("entry", "account", "fits"),
    [
        ({"auth": auth()}, "myusername", True),
        ({"username": "colleague", "password": "theirpassword"}, "colleague", True),
        ({"auth": auth("myusername", "x"), "username": "myusername", "password": "mypassword"}, "myusername", False),
        ({"auth": auth("somebody", "mypassword")}, "?", False),
        ({"auth": "%%%"}, "?", False),
        ({"identitytoken": "abc"}, "?", False),
        ({"username": ["a"], "password": {}}, "?", False),
        ("text", "?", False),
    ],
)
def test_whose_sign_in_a_secret_holds(entry, account, fits):
    (found,) = looking.sign_ins(secret(entry=entry), KNOWN).values()
    assert (found.account, found.fits) == (account, fits)


@pytest.mark.parametrize("held", ['"text"', "[]", '{"auths": []}', "{}", "no json", "[" * 100_000])
def test_a_secret_that_holds_something_else(held):
    one = secret() | {"data": {}, "stringData": {".dockerconfigjson": held}}
    assert looking.sign_ins(one, KNOWN) in (None, {})


def test_schemas_say_what_kubernetes_would():
    pytest.importorskip("kubernetes_validate")
    version, problems = looking.schemas()
    assert version == "1.32"
    assert problems(deployment()) == ()
    assert "spec.replicas: '3' is not of type" in problems(deployment(replicas="3"))[0]
    assert "imagePullSecret" in problems(deployment(imagePullSecrets=[]))[0], "an unknown field"
    for odd in (
        {"kind": "Deploymnt"},
        {"apiVersion": "extensions/v1beta1"},
        {"kind": "../../x"},
        {"apiVersion": "/etc/v1"},
    ):
        assert "Kubernetes 1.32 has no" in problems({**deployment(), **odd})[0]


def test_without_the_schemas_the_structure_is_graded_all_the_same(monkeypatch):
    monkeypatch.setitem(sys.modules, "kubernetes_validate", None)
    version, problems = looking.schemas()
    assert (version, problems(deployment(replicas="3"))) == ("", ())
    result = grade_one(exercises.load(SLUG), lab().observation)
    assert result.done
    assert "pip install 'labkit[kubernetes]'" in next(one.message for one in result.checks if one.id == "valid")
    assert verdict("valid", deployment(replicas="3"), secret()) == "k8s-schema"


# ── what Kubernetes would do ─────────────────────────────────────────────────────────────────────────────────────────
def test_all_points_and_what_is_not_asked_for():
    result = grade_one(exercises.load(SLUG), lab().observation)
    assert result.done and result.earned == exercises.load(SLUG).points == 13
    assert [sentence[:40] for sentence in result.not_asked] == ["This lab has no Kubernetes cluster, as t"]
    assert result.to_json()["not_asked"] == list(result.not_asked)


def test_what_is_not_asked_for_is_said_in_report_and_panel():
    exercise, world = exercises.load(SLUG), lab()
    assert "\n  This lab has no Kubernetes cluster" in grade([exercise], world.observation).text()
    view = render.View(shown=("checks",), result=grade_one(exercise, world.observation))
    assert "This lab has no Kubernetes cluster" in render.parts(view)["checks"]
    assert "\n  This lab has no Kubernetes cluster" in plain.text(view)


@pytest.mark.parametrize(
    ("server", "image", "fits"),
    [
        ("registry.lab:5000", REPOSITORY, True),
        ("https://registry.lab:5000", REPOSITORY, True),
        ("http://registry.lab:5000/v2/", REPOSITORY, True),
        ("registry.lab:5000/myusername", REPOSITORY, True),
        ("registry.lab:5000/colleague", REPOSITORY, False),
        ("*.lab:5000", REPOSITORY, True),
        ("*:5000", REPOSITORY, False),
        ("registry.lab", REPOSITORY, False),
        ("registry.lab:5001", REPOSITORY, False),
        ("https://index.docker.io/v1/", REPOSITORY, False),
        ("", REPOSITORY, False),
    ],
)
def test_for_which_images_kubelet_uses_a_sign_in(server, image, fits):
    assert facts.is_for(server, Reference.parse(image)) is fits


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "passed"),
        ({"image": f"{REPOSITORY}:other@DIGEST"}, "passed"),
        ({"image": f"{REPOSITORY}:v1.0.0"}, "k8s-by-tag"),
        ({"image": REPOSITORY}, "k8s-by-tag"),
        ({"image": f"{REPOSITORY}@{sha('other')}"}, "k8s-other-digest"),
        ({"image": f"{REPOSITORY}@{sha('app')}"}, "k8s-image-id"),
        ({"image": "myusername/myapp@DIGEST"}, "k8s-other-registry"),
        ({"image": "registry.lab:5000/myusername/shop@DIGEST"}, "k8s-other-repository"),
        ({"image": "registry.lab:5000/MyApp"}, "k8s-image-name"),
        ({"image": None}, "k8s-image-name"),
        ({"image": ["a"]}, "k8s-image-name"),
        ({"imagePullPolicy": "Never"}, "k8s-never-pulls"),
        ({"imagePullPolicy": "Always"}, "passed"),
    ],
)
def test_which_image_runs(changes, told):
    assert verdict("by_digest", deployment(container=changes), secret()) == told


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([secret()], "passed"),
        ([], "k8s-no-secret"),
        ([secret(kind="Opaque")], "k8s-secret-type"),
        ([{key: one for key, one in secret().items() if key != "type"}], "k8s-secret-type"),
        ([secret(kind="kubernetes.io/basic-auth")], "k8s-secret-type"),
        ([secret(key="config.json")], "k8s-secret-key"),
        ([secret("docker.io")], "k8s-secret-registry"),
        ([secret(entry={"auth": auth("a", "b")})], "k8s-secret-account"),
        ([secret() | {"data": {".dockerconfigjson": "%"}}], "k8s-secret-unreadable"),
        ([secret("docker.io") | {"metadata": {"name": "other"}}, secret()], "passed"),
    ],
)
def test_which_secret_opens_the_registry(values, told):
    assert verdict("pull_secret", deployment(), *values) == told


def test_the_older_kind_of_pull_secret_is_one_too():
    held = base64.b64encode(json.dumps({"registry.lab:5000": {"auth": auth()}}).encode()).decode()
    older = secret(kind="kubernetes.io/dockercfg") | {"data": {".dockercfg": held}}
    assert verdict("pull_secret", deployment(), older) == "passed"


def account(name="default", space="default", secrets=({"name": "pull"},)):
    about = {"name": name, "namespace": space}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": about, "imagePullSecrets": list(secrets)}


@pytest.mark.parametrize(
    ("pod", "more", "told"),
    [
        ({}, [], "passed"),
        ({"imagePullSecrets": [{"name": "other"}, {"name": "pull"}]}, [], "passed"),
        ({"imagePullSecrets": []}, [], "k8s-secret-unused"),
        ({"imagePullSecrets": ["pull"]}, [], "k8s-secret-list"),
        ({"imagePullSecrets": [{"name": "pul"}]}, [], "k8s-secret-name"),
        ({"imagePullSecrets": []}, [account()], "passed"),
        ({"imagePullSecrets": [{"name": "pul"}]}, [account()], "k8s-secret-name"),
        ({"imagePullSecrets": [], "serviceAccountName": "puller"}, [account()], "k8s-secret-unused"),
        ({"imagePullSecrets": [], "serviceAccountName": "puller"}, [account("puller")], "passed"),
        ({"imagePullSecrets": []}, [account(space="shop")], "k8s-secret-unused"),
    ],
)
def test_which_secret_the_pods_pull_with(pod, more, told):
    assert verdict("secret_used", deployment(pod=pod), secret(), *more) == told


def test_a_secret_of_another_namespace_opens_nothing():
    there = secret() | {"metadata": {"name": "pull", "namespace": "shop"}}
    assert verdict("secret_used", deployment(), there) == "k8s-secret-namespace"
    assert verdict("secret_used", deployment() | {"metadata": {"name": "a", "namespace": "shop"}}, there) == "passed"


@pytest.mark.parametrize("place", ["spec", "container", "template"])
def test_a_secret_that_is_named_where_nobody_reads_it(place):
    one, names = deployment(pod={"imagePullSecrets": []}), [{"name": "pull"}]
    spec = one["spec"]
    {"spec": spec, "template": spec["template"], "container": spec["template"]["spec"]["containers"][0]}[place][
        "imagePullSecrets"
    ] = names
    assert verdict("secret_used", one, secret()) == "k8s-secret-misplaced"


@pytest.mark.parametrize(
    ("probe", "told"),
    [
        (ASK, "passed"),
        ({"httpGet": {"port": 8080}}, "passed"),
        ({"httpGet": {"path": "index.html", "port": 8080}}, "passed"),
        ({"httpGet": {"path": None, "port": 8080}}, "passed"),
        ({"httpGet": {"path": "/?a=b", "port": "web", "scheme": "http"}}, "passed"),
        ({"tcpSocket": {"port": 8080}}, "passed"),
        ({"exec": {"command": ["wget", "-qO-", "localhost:8080"]}}, "passed"),
        (None, "k8s-no-probe"),
        ({}, "k8s-no-probe"),
        ({"periodSeconds": 1}, "k8s-probe-empty"),
        ({"grpc": {"port": 8080}}, "k8s-probe-empty"),
        ({"httpGet": {"path": "/", "port": 80}}, "k8s-probe-port"),
        ({"httpGet": {"path": "/", "port": "8080"}}, "k8s-probe-port"),
        ({"httpGet": {"path": "/", "port": "http"}}, "k8s-probe-port"),
        ({"httpGet": {"path": "/"}}, "k8s-probe-port"),
        ({"tcpSocket": {"port": 9090}}, "k8s-probe-port"),
        ({"httpGet": {"path": "/health", "port": 8080}}, "k8s-probe-path"),
        ({"httpGet": {"path": "/", "port": 8080, "scheme": "HTTPS"}}, "k8s-probe-scheme"),
        ({"httpGet": {"path": "/", "port": 8080, "host": "localhost"}}, "k8s-probe-host"),
        ({"exec": {"command": ["true"]}}, "k8s-probe-exec"),
        (["a"], "k8s-no-probe"),
    ],
)
def test_what_a_probe_asks(probe, told):
    ports = [{"name": "web", "containerPort": 8080}]
    for key in ("readinessProbe", "livenessProbe"):
        assert verdict("asked", deployment(container={key: probe, "ports": ports}), secret()) == told


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({}, "passed"),
        ({"strategy": {}}, "passed"),
        ({"strategy": {"rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}}, "passed"),
        ({"strategy": {"rollingUpdate": {"maxUnavailable": "34%"}}}, "passed"),
        (
            {"strategy": {"rollingUpdate": {"maxUnavailable": "10%", "maxSurge": 0}}},
            "passed",
        ),  # rounded to 0 and 0: then one goes
        ({"strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": "100%"}}}, "passed"),
        ({"strategy": {"rollingUpdate": {"maxUnavailable": "67%"}}}, "k8s-unavailable"),
        ({"strategy": {"rollingUpdate": {"maxUnavailable": 3}}}, "k8s-unavailable"),
        ({"strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": "0%"}}}, "k8s-stuck"),
        ({"strategy": {"rollingUpdate": {"maxUnavailable": "1"}}}, "k8s-share"),
        ({"strategy": {"rollingUpdate": {"maxUnavailable": -1}}}, "k8s-share"),
        ({"strategy": {"rollingUpdate": {"maxSurge": True}}}, "k8s-share"),
        ({"strategy": {"type": "Recreate"}}, "k8s-recreate"),
        ({"strategy": "Recreate"}, "k8s-share"),
        ({"strategy": None}, "passed"),
        ({"replicas": 1}, "k8s-replicas"),
        ({"replicas": 4}, "k8s-replicas"),
        ({"replicas": "3"}, "k8s-replicas"),
        ({"replicas": 3.0}, "k8s-replicas"),
        ({"paused": True}, "k8s-paused"),
        ({"paused": False}, "passed"),
    ],
)
def test_what_an_update_leaves(spec, told):
    assert verdict("gently", deployment(**spec), secret()) == told


def test_of_two_with_one_name_the_later_counts():
    first, last = deployment(replicas=1), deployment()
    assert verdict("gently", first, last, secret()) == "passed"
    assert verdict("gently", last, first, secret()) == "k8s-replicas"


def test_of_several_the_one_with_the_right_digest_is_meant():
    other = deployment(replicas=1, container={"image": f"{REPOSITORY}:v1.0.0"}) | {"metadata": {"name": "other"}}
    assert (
        verdict("gently", other, deployment(), secret()) == verdict("gently", deployment(), other, secret()) == "passed"
    )


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (deployment() | {"apiVersion": "extensions/v1beta1"}, "k8s-api"),
        (deployment(selector={"matchLabels": {"app": "shop"}}), "k8s-selector"),
        (deployment(selector={}), "k8s-selector"),
        (deployment(selector={"matchExpressions": [{"key": "app", "operator": "Exists"}]}), "passed"),
        ({**deployment(), "kind": "StatefulSet"}, "k8s-other-kind"),
        ({**deployment(), "kind": "Pod"}, "k8s-other-kind"),
        ({**deployment(), "kind": "Service"}, "k8s-no-deployment"),
    ],
)
def test_what_kubernetes_would_take(one, told):
    assert verdict("valid", one, secret()) == told


def test_a_deployment_of_any_shape_breaks_no_check():
    for odd in (
        None,
        [],
        "x",
        {"template": []},
        {"template": {"spec": {"containers": ["x"]}}},
        {"template": {"spec": []}},
    ):
        found = verdicts(lab({**deployment(), "spec": odd}, secret()))
        assert "error" not in found.values(), (odd, found)


def test_a_lab_without_the_machine_breaks_no_check():
    world = lab()
    world.data["kubernetes"] = {}
    found = verdicts(world)
    assert found["pull_secret"] == found["valid"] == "k8s-part-missing"
    world.gap("kubernetes")
    assert verdicts(world)["rolled_out"] == "blocked", "what was not seen may be there: nothing is left out"
    assert verdicts(world)["valid"] == "error"


# ── the cluster: no k3s has run here; these are an API server's answers as its reference describes them ─────────────────
def api(image=f"{REPOSITORY}@DIGEST", ready=3, updated=3, back=False, waiting=None, generation=2):
    about = {"name": "myapp", "namespace": "default", "uid": "d", "generation": generation}
    status = {
        "observedGeneration": 2,
        "replicas": 3,
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": ready,
    }
    template = {"spec": {"containers": [{"image": image}]}}
    notes = {looking.REVISION: "10", **({looking.RETURNED: "1"} if back else {})}
    sets = [
        {
            "metadata": {
                "uid": "old",
                "ownerReferences": [{"uid": "d"}],
                "annotations": {looking.REVISION: "9", looking.RETURNED: "3"},
            }
        },
        {"metadata": {"uid": "new", "ownerReferences": [{"uid": "d"}], "annotations": notes}},
        {"metadata": {"uid": "else", "ownerReferences": [{"uid": "x"}], "annotations": {looking.REVISION: "99"}}},
    ]
    state = {"ready": waiting is None, "imageID": image, "state": {"waiting": waiting} if waiting else {"running": {}}}
    pods = [
        {"metadata": {"ownerReferences": [{"uid": "new"}]}, "status": {"containerStatuses": [state]}},
        {"metadata": {}},
    ]
    return {
        "deployments": [{"metadata": about, "spec": {"replicas": 3, "template": template}, "status": status}],
        "replicasets": sets,
        "pods": pods,
    }


def in_cluster(answers):
    digest = World().hold("myusername/myapp", "v1.0.0", registry="private")
    return lab(cluster=json.loads(json.dumps(answers).replace("DIGEST", digest)))


@pytest.mark.parametrize(
    ("answers", "out", "back"),
    [
        (api(), "passed", "k8s-not-back"),
        (api(back=True), "passed", "passed"),
        (api(ready=2), "converging", "blocked"),
        (api(updated=1), "converging", "blocked"),
        (api(generation=3), "converging", "blocked"),
        (api(image=f"{REPOSITORY}:v1.0.0"), "k8s-applied-other", "blocked"),
        (api(waiting={"reason": "ImagePullBackOff", "message": "unauthorized"}), "k8s-pod-waits", "blocked"),
        (api(ready=2, waiting={"reason": "ContainerCreating"}), "converging", "blocked"),
        ({"deployments": [], "replicasets": [], "pods": []}, "k8s-not-applied", "blocked"),
    ],
)
def test_what_an_api_server_says(answers, out, back):
    found = verdicts(in_cluster(answers))
    assert (found["rolled_out"], found["rolled_back"]) == (out, back)


def test_with_a_cluster_all_points_are_asked_for():
    result = grade_one(exercises.load(SLUG), in_cluster(api(back=True)).observation)
    assert (result.points, result.done, result.not_asked) == (17, True, ())
    assert Outcome.ERROR not in {one.outcome for one in result.checks}


def test_a_cluster_that_does_not_answer_is_the_labs_error():
    with pytest.raises(LabError, match="does not answer: connection refused"):
        seen(cluster={"failed": "connection refused"})


class Answers(BaseHTTPRequestHandler):
    """The three lists of an API server, over HTTP."""

    def do_GET(self):
        kind = {path: kind for kind, path in told.PATHS.items()}.get(self.path.partition("?")[0])
        body = json.dumps({"kind": "List", "items": api()[kind]}).encode() if kind else b"{}"
        self.send_response(200 if kind else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Silent."""


def test_the_program_asks_the_api_server_by_kubectl(tmp_path, monkeypatch):
    config = tmp_path / "config"
    monkeypatch.setenv("KUBECONFIG", str(config))
    assert told.cluster() is None, "a machine without a cluster has no such file"
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # kubectl is on the lab's machine; here, a stand-in asks the same paths.
    fetch = f"import sys, urllib.request as u; print(u.urlopen('http://127.0.0.1:{server.server_port}' + sys.argv[1]).read().decode())"
    stand_in(tmp_path, monkeypatch, f'for last; do :; done; exec {sys.executable} -c "{fetch}" "$last"')
    config.write_text("")
    try:
        assert looking._cluster(told.cluster())[0].ready == 3
    finally:
        server.shutdown()
        server.server_close()
    assert "failed" in told.cluster()


# ── the machine ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_machine_gets_the_account_that_pulls_and_no_key_of_the_owners():
    (machine,) = EXTRAS["kubernetes"]
    plan = Plan("lab", learner="ada", workshop="seed", extras=("kubernetes",))
    given = plan.environment(machine)
    assert (given["REGISTRY_USER"], given["REGISTRY_PASSWORD"]) == (plan.person.username, "mypassword")
    assert (machine.keys, machine.tls, machine.nests, machine.is_node) == ("guest", False, True, False)


def test_the_image_that_holds_a_pods_network_is_one_that_engines_load():
    import io
    import tarfile

    with tarfile.open(fileobj=io.BytesIO(pause.made(b"program"))) as archive:
        (about,) = json.load(archive.extractfile("manifest.json"))
        config = json.load(archive.extractfile(about["Config"]))
        layer = archive.extractfile(about["Layers"][0]).read()
    assert config["rootfs"]["diff_ids"] == [looking_digest(layer)]
    assert about["RepoTags"] == [pause.NAME]


def looking_digest(content):
    import hashlib

    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_k3s_is_taken_where_its_image_can_be_had(monkeypatch):
    made, held = [], set()
    monkeypatch.setattr(recipes, "_build", lambda engine, recipe, image, base, say: held.add(image))
    monkeypatch.setattr(recipes.sdk, "has_image", lambda engine, image: image in held)
    monkeypatch.setattr(recipes.bases, "pull", lambda engine, image: made.append(f"pull {image}"))
    monkeypatch.setattr(
        recipes.images, "made_from", lambda engine, context, file, tag, base, *_: (made.append(tag), held.add(tag))
    )
    (k3s, _) = recipes.ADDED["kubernetes"]
    ensure = lambda: recipes.ensure(None, EXTRAS["kubernetes"], "registry-lab:1", lambda _: None)["kubernetes"]  # noqa: E731
    plain = ensure()
    assert made == [f"pull {k3s}"] and plain.startswith("registry-lab-kubernetes:")
    assert ensure() == plain and made == [f"pull {k3s}"], "it is asked for only once"
    held.add(k3s)
    assert ensure() == f"{plain}-added" == made[-1]
    assert ensure() == f"{plain}-added" and made.count(f"{plain}-added") == 1


def test_a_reset_of_the_exercise_takes_the_manifests_away():
    found = scope.of(exercises.load(SLUG))
    assert found.manifests and not found.machines


# ── the metadata address ─────────────────────────────────────────────────────────────────────────────────────────────
sys.path.insert(0, str(Path(labkit.__file__).parent / "lab" / "cloud"))


@pytest.fixture
def metadata(monkeypatch):
    import metadata

    monkeypatch.setenv("ROLE_KEY", "key")
    monkeypatch.setenv("ROLE_SECRET", "made-up")
    monkeypatch.setenv("ROLE_OF", "1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), metadata.Metadata)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    metadata.sessions.clear()


def asked(url, method="GET", **headers):
    """(status, text)"""
    request = urllib.request.Request(
        url, method=method, headers={key.replace("_", "-"): one for key, one in headers.items()}
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


CREDENTIALS = "/latest/meta-data/iam/security-credentials"


def test_a_machine_with_a_role_gets_keys_that_end(metadata):
    status, token = asked(f"{metadata}/latest/api/token", "PUT", X_aws_ec2_metadata_token_ttl_seconds="60")
    assert status == 200
    who = {"X_aws_ec2_metadata_token": token}
    assert (
        asked(f"{metadata}{CREDENTIALS}/", **who) == asked(f"{metadata}{CREDENTIALS}", **who) == (200, "lab-task-role")
    )
    keys = json.loads(asked(f"{metadata}{CREDENTIALS}/lab-task-role", **who)[1])
    assert (keys["Code"], keys["AccessKeyId"], keys["SecretAccessKey"]) == ("Success", "key", "made-up")
    assert keys["LastUpdated"] < keys["Expiration"]
    assert asked(f"{metadata}{CREDENTIALS}/other", **who)[0] == asked(f"{metadata}/latest/x", **who)[0] == 404


def test_without_a_session_nothing_is_told(metadata):
    assert (
        asked(f"{metadata}{CREDENTIALS}/")[0]
        == asked(f"{metadata}{CREDENTIALS}/", X_aws_ec2_metadata_token="x")[0]
        == 401
    )
    for lasting in ("0", "-1", "x", "21601", "9" * 30, ""):
        assert asked(f"{metadata}/latest/api/token", "PUT", X_aws_ec2_metadata_token_ttl_seconds=lasting)[0] == 400
    assert asked(f"{metadata}/other", "PUT")[0] == 404
    assert asked(f"{metadata}/") == (200, "ready\n")


def test_a_machine_without_a_role_gets_nothing(metadata, monkeypatch):
    monkeypatch.setenv("ROLE_OF", "22")
    assert asked(f"{metadata}{CREDENTIALS}/") == (404, "This machine has no role.\n")
    assert asked(f"{metadata}/latest/api/token", "PUT", X_aws_ec2_metadata_token_ttl_seconds="60")[0] == 404


def test_the_metadata_address_has_the_keys_of_the_labs_ecr_for_worker1_only():
    plan = Plan("lab", extras=("cloud",))
    (machine,) = EXTRAS["cloud"]
    given = plan.environment(machine)
    assert given["ROLE_OF"] == str(plan.machine("worker1").host) and given["ROLE_KEY"].startswith("LABKEY")
    assert "ROLE_KEY" not in plan.environment(plan.machine("worker1"))
