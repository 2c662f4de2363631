"""What deploy/kubernetes has is what Zero to JupyterHub's chart and Kubernetes take: by their schemas, not in a cluster."""

import functools
import hashlib
import os
import subprocess
from pathlib import Path

import httpx
import jsonschema
import kubernetes_validate
import pytest
import yaml
from click import Command

from labkit.cli import classroom
from labkit.jupyter.server import START
from labkit.lab.looking.kubernetes import VERSION

DEPLOY = Path(__file__).parents[2] / "deploy/kubernetes"
CHART = "https://raw.githubusercontent.com/jupyterhub/zero-to-jupyterhub-k8s/48ea50e34daddde55d76e30df6ecd47e4abd4d8e/jupyterhub"
"""The chart of 2026-07-24 with JupyterHub 5.5.0. No copy of its files is kept here: ZERO_TO_JUPYTERHUB may name a folder with them."""
PUBLISHED = {
    "values.schema.yaml": "2cedc7a009d6472ee97cff7d2aeeac3c323ac523c0535f1b4d16ca4d6b6acd1f",
    "values.yaml": "e9fb4f193457a4b936d33bfe227ab7c0caa59f00c92c032c2ce82d804f960856",
}


@pytest.fixture(scope="module")
def chart(tmp_path_factory):
    """A folder with the chart's files, as published."""
    if own := os.environ.get("ZERO_TO_JUPYTERHUB"):
        folder = Path(own)
    else:
        folder = tmp_path_factory.mktemp("chart")
        for name in PUBLISHED:
            try:
                (folder / name).write_bytes(httpx.get(f"{CHART}/{name}", timeout=5).raise_for_status().content)
            except httpx.HTTPError as error:
                pytest.skip(f"GitHub does not answer here: the chart's {name} cannot be had ({error})")
    assert {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in PUBLISHED} == PUBLISHED
    return folder


@functools.cache
def read(file):
    return yaml.load(file.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def merged(under, over):
    """As Helm does: objects are merged, everything else is replaced."""
    if isinstance(under, dict) and isinstance(over, dict):
        return {**under, **{key: merged(under.get(key), value) for key, value in over.items()}}
    return over


def values(*files):
    return functools.reduce(merged, (read(DEPLOY / file) for file in files), {})


@pytest.mark.internet
@pytest.mark.parametrize("files", [("values.yaml",), ("values.yaml", "sysbox.yaml")])
def test_the_chart_takes_the_values(chart, files):
    whole = merged(read(chart / "values.yaml"), values(*files))
    schema = jsonschema.Draft7Validator(read(chart / "values.schema.yaml"))
    schema.validate(whole)
    with pytest.raises(jsonschema.ValidationError, match="extraContainer"):
        schema.validate(merged(whole, {"singleuser": {"extraContainer": []}}))


@pytest.mark.parametrize("files, privileged", [(("values.yaml",), True), (("values.yaml", "sysbox.yaml"), False)])
def test_a_learners_pod(files, privileged):
    """As KubeSpawner makes it from these values and the defaults of the chart; what it adds is left out."""
    told = values(*files)["singleuser"]
    notebook = {
        "name": "notebook",
        "image": f"{told['image']['name']}:{told['image']['tag']}",
        "args": told["cmd"],
        "env": [{"name": name, "value": value} for name, value in told["extraEnv"].items()],
        "volumeMounts": told["storage"]["extraVolumeMounts"],
        "securityContext": {"allowPrivilegeEscalation": False, "runAsUser": told["uid"]},
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "jupyter-ada", "annotations": told.get("extraAnnotations", {})},
        "spec": {
            "containers": [notebook, *told["extraContainers"]],
            "volumes": told["storage"]["extraVolumes"],
            "securityContext": {"fsGroup": told["fsGid"]},
            **told.get("extraPodConfig", {}),
        },
    }
    kubernetes_validate.validate(pod, VERSION, strict=True)
    (engine,) = told["extraContainers"]
    assert engine["securityContext"].get("privileged", False) is privileged
    assert told["extraEnv"]["LABKIT_ENGINE"] == engine["args"][1].removeprefix("--host=")
    assert engine["args"][2] == f"--group={told['fsGid']}"
    assert {one["name"] for one in engine["volumeMounts"]} == {one["name"] for one in told["storage"]["extraVolumes"]}
    assert told["defaultUrl"] == START
    subprocess.run(["sh", "-n", "-c", told["cmd"][2]], check=True)


def test_the_classroom_in_the_cluster():
    parts = list(yaml.safe_load_all((DEPLOY / "classroom.yaml").read_text()))
    for part in parts:
        kubernetes_validate.validate(part, VERSION, strict=True)
    deployment, service = parts[1], parts[2]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert deployment["spec"]["template"]["spec"]["hostname"] == service["metadata"]["name"]
    up = classroom.classroom.commands["up"]
    assert isinstance(up, Command)
    words = container["command"]
    assert words[:3] == ["labkit", "classroom", "up"]
    assert {word for word in words if word.startswith("--")} <= {name for one in up.params for name in one.opts}
    allowed = values("values.yaml")["singleuser"]["networkPolicy"]["egress"][0]
    assert allowed["to"][0]["podSelector"]["matchLabels"] == service["spec"]["selector"]
    assert allowed["ports"][0]["port"] == service["spec"]["ports"][0]["port"]
