"""A program of the machine `kubernetes`: tells the manifests in a folder, and the Deployments of a cluster.

    told.py [FOLDER]    {"files": [{"file", "text", "objects": […]} or {"file", "text", "why", "said"}], "cluster": null or {…}}

Manifests are read as kubectl reads them: *.yaml, *.yml and *.json in the order of their names, several documents in a file,
Lists as their items, and a folder with a kustomization as what `kubectl kustomize` makes of it. It needs python3-yaml.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

FOLDER = "/root/manifests"
ENDINGS = (".yaml", ".yml", ".json")
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")

MOST_FILES = 60
LONGEST = 64 * 1024
"""Bytes of a file."""
MOST_NODES = 20_000
"""Values in a file, once its aliases (*name) are written out."""

TEMPLATE = re.compile(r"\{\{.*\}\}")
FILLED = re.compile(
    r"\{\{-?\s*(?:\.(?:Values|Release|Chart)\b|include |template |toYaml |if |range |with |end\b).*\}\}"
)
"""What Helm fills in: where the rest is no YAML, and where it is."""

CONFIG = "/etc/rancher/k3s/k3s.yaml"
"""Where k3s writes how its API server is reached (https://docs.k3s.io/cluster-access)."""

PATHS = {
    "deployments": "/apis/apps/v1/deployments",
    "replicasets": "/apis/apps/v1/replicasets",
    "pods": "/api/v1/pods",
}


class Twice(yaml.YAMLError):
    """A key stands twice in a mapping: kubectl refuses it, PyYAML would take the last."""


class Loader(yaml.SafeLoader):
    """As kubectl reads YAML: dates stay texts, and keys are texts."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, _ in node.value:
                if key.tag != "tag:yaml.org,2002:merge" and str(key.value) in seen:
                    raise Twice(f"line {key.start_mark.line + 1}: the key {key.value!r} stands there twice")
                seen.add(str(key.value))
        return super().construct_mapping(node, deep)


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def told(folder: Path) -> list[dict[str, Any]]:
    """What each file holds, or why it cannot be read."""
    for name in KUSTOMIZATIONS:
        if (folder / name).is_file():
            return [_kustomized(folder, name)]
    files = sorted(path for path in folder.rglob("*") if path.suffix in ENDINGS and path.is_file())
    return [_file(path, str(path.relative_to(folder))) for path in files[:MOST_FILES]]


def _kustomized(folder: Path, name: str) -> dict[str, Any]:
    made = subprocess.run(
        ["kubectl", "kustomize", str(folder)], capture_output=True, text=True, timeout=20, check=False
    )
    text = _text(folder / name)
    if made.returncode:
        return {"file": name, "text": text, "why": "kustomize", "said": made.stderr.strip()[-400:]}
    every = "\n".join(_text(path) for path in sorted(folder.rglob("*")) if path.suffix in ENDINGS and path.is_file())
    return {**read(made.stdout, name), "text": every[:LONGEST]}


def _file(path: Path, name: str) -> dict[str, Any]:
    return read(_text(path), name)


def _text(path: Path) -> str:
    with path.open("rb") as source:
        return source.read(LONGEST).decode(errors="replace")


def read(text: str, name: str) -> dict[str, Any]:
    """The objects of one file's text."""
    about = {"file": name, "text": text}
    try:
        documents = [_plain(_built(node)) for node in yaml.compose_all(text, Loader=Loader) if node is not None]
    except Twice as error:
        return {**about, "why": "twice", "said": str(error)}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        why = "template" if TEMPLATE.search(text) else "yaml"
        return {**about, "why": why, "said": " ".join(str(error).split())[:400]}
    if found := FILLED.search(text):
        return {**about, "why": "template", "said": found[0]}
    objects = [one for document in documents if document is not None for one in listed(document)]
    if odd := [one for one in objects if not is_object(one)]:
        return {
            **about,
            "why": "object",
            "said": f"apiVersion, kind and metadata.name are missing in: {json.dumps(odd[0])[:200]}",
        }
    return {**about, "objects": objects}


def _built(node: Any) -> Any:
    if _size(node, [0]) > MOST_NODES:
        raise ValueError(f"it has more than {MOST_NODES} values")
    loader = Loader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _size(node: Any, count: list[int]) -> int:
    """Values below a node, counted as often as they are named; stops soon after too many."""
    count[0] += 1
    if count[0] <= MOST_NODES and isinstance(node, yaml.CollectionNode):
        for one in node.value:
            for part in one if isinstance(one, tuple) else (one,):
                _size(part, count)
    return count[0]


def _plain(value: Any) -> Any:
    """As JSON has it: kubectl turns each manifest into JSON first."""
    if isinstance(value, dict):
        return {key if isinstance(key, str) else json.dumps(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(one) for one in value]
    if (isinstance(value, float) and value in (float("inf"), float("-inf"))) or value != value:  # noqa: PLR0124
        raise ValueError("a number in it is not finite")
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def listed(value: Any) -> Iterator[Any]:
    """The object, or those of a List."""
    if isinstance(value, dict) and str(value.get("kind", "")).endswith("List") and isinstance(value.get("items"), list):
        for one in value["items"]:
            yield from listed(one)
    else:
        yield value


def is_object(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    about = value.get("metadata")
    return all(isinstance(value.get(key), str) for key in ("apiVersion", "kind")) and (
        isinstance(about, dict) and isinstance(about.get("name"), str)
    )


def cluster() -> dict[str, Any] | None:
    """What the API server knows, {kind: its items}; None where there is no cluster."""
    config = os.environ.get("KUBECONFIG", CONFIG)
    if not Path(config).is_file():
        return None
    found: dict[str, Any] = {}
    for kind, path in PATHS.items():
        asked = ["kubectl", "--kubeconfig", config, "--request-timeout=5s", "get", "--raw", path]
        got = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=False)
        if got.returncode:
            return {"failed": got.stderr.strip()[-400:]}
        found[kind] = json.loads(got.stdout).get("items") or []
    return found


if __name__ == "__main__":
    place = Path(sys.argv[1] if len(sys.argv) > 1 else FOLDER)
    print(json.dumps({"files": told(place), "cluster": cluster()}))
