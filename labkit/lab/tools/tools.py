"""A program of the machine `tools`: tells what labkit wants to know of it, and plays a trial of the learner's deploy.sh.

    tools.py prepare                    brings the shop's files, with a new token
    tools.py clear                      forgets everything, and prepares anew
    tools.py told                       sign-ins, Harbor's images of the shop, its robots, signatures, and the last trial
    tools.py play KIND REPOSITORY DIGEST    runs deploy.sh with an image of that kind (labkit/seen/secured.py)
    tools.py tidy REPOSITORY            takes the trial's tags away again
    tools.py keep TRIAL                 keeps what was seen, for `told`
    tools.py verified                   while the kind `moved` is played: a verification has succeeded

Each but the last prints JSON in its last line. Harbor is asked as the learner (LAB_ACCOUNT, LAB_PASSWORD).
"""

import base64
import contextlib
import hashlib
import io
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from leaks import forms_in  # noqa: E402  (it lies beside this program)

HOME, SHOP = Path("/root"), Path("/root/shop")
DOCKER = HOME / ".docker" / "config.json"
KEPT = Path("/srv/lab")
"""What labkit keeps here: the token, what was found in blobs, the last trial."""
TOKEN, FOUND, TRIAL = KEPT / "token", KEPT / "found.json", KEPT / "trial.json"
MOVED = Path("/run/lab-moved.json")
"""Is there while the kind `moved` is played: what `verified` does."""
COSIGN = "/usr/lib/cosign/cosign"
HARBOR, API = "https://harbor.lab", "https://harbor.lab/api/v2.0"
APP = "shop"
MANIFESTS = ", ".join(
    (
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
    )
)
PLAIN = '{"auths": {"nobody.": {}}}\n'
"""docker takes `pass` by itself where it is installed and the configuration has no entry (docker/cli, cli/config/credentials:
DetectDefaultStore). Two accounts of one registry would then share it, and `pass` gives the first."""
PREFIX = "trial-"
"""Begins the tags of a trial."""

AGENT = {"User-Agent": "labkit-grader"}
"""By which a look of ours is told from what a learner does (labkit/seen/log.py: LOOKER)."""
SECONDS = 4.0
"""One answer of Harbor's may take so long."""
LIMIT = 60
"""Seconds that deploy.sh may take."""
MOST, LARGEST = 20, 64 * 1024 * 1024
"""Tags that are looked at; bytes of a layer, unpacked, and of what Harbor answers."""
LOG = 2000
"""Letters of what deploy.sh printed."""
LATER = "removed later"


# ── Harbor ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def ask(url: str, method: str = "GET", data: bytes | None = None, kind: str = "") -> bytes:
    """Raises OSError."""
    known = f"{os.environ['LAB_ACCOUNT']}:{os.environ['LAB_PASSWORD']}".encode()
    headers = {**AGENT, "Authorization": f"Basic {base64.b64encode(known).decode()}", "Accept": f"{MANIFESTS}, */*"}
    if kind:
        headers["Content-Type"] = kind
    request = urllib.request.Request(url, data=data, method=method, headers=headers)  # noqa: S310  (Harbor's address)
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
        return bytes(answer.read(LARGEST))


def listed(path: str) -> list[dict[str, Any]]:
    """[] where Harbor has no such place, or refuses it."""
    try:
        found = json.loads(ask(f"{API}{path}"))
    except (OSError, ValueError):
        return []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def projects() -> list[str]:
    return [str(one["name"]) for one in listed("/projects?page_size=100")]


def robots(project: str) -> Iterator[dict[str, Any]]:
    """{name, rights: ["repository:pull", …], disabled}"""
    number = json.loads(ask(f"{API}/projects/{project}"))["project_id"]
    for one in listed(f"/robots?page_size=100&q=Level%3Dproject%2CProjectID%3D{number}"):
        access = [each for part in one["permissions"] for each in part["access"]]
        rights = sorted({f"{each['resource']}:{each['action']}" for each in access})
        yield {"name": one["name"], "rights": rights, "disabled": bool(one["disable"])}


def tags(repository: str) -> list[str]:
    with contextlib.suppress(OSError, ValueError):
        return [str(tag) for tag in json.loads(ask(f"{HARBOR}/v2/{repository}/tags/list"))["tags"] or []]
    return []


def manifest(repository: str, reference: str) -> tuple[str, dict[str, Any]]:
    """Its digest, and the manifest; of an index, the first that it lists."""
    data = ask(f"{HARBOR}/v2/{repository}/manifests/{reference}")
    held = json.loads(data)
    if listed_ := held.get("manifests"):
        _, inner = manifest(repository, listed_[0]["digest"])
        return digest_of(data), inner
    return digest_of(data), held


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def blob(repository: str, digest: str) -> bytes:
    return ask(f"{HARBOR}/v2/{repository}/blobs/{digest}")


# ── what is in an image ──────────────────────────────────────────────────────────────────────────────────────────────────


def leaks(repository: str, held: dict[str, Any], secret: str, cache: dict[str, Any]) -> list[dict[str, str]]:
    """[{place, name}] of where the secret is: history, environment, label, command; a layer's file; one that a later layer
    removes."""
    config = json.loads(blob(repository, held["config"]["digest"]))
    runs = config.get("config") or {}
    found = [
        {"place": place, "name": name}
        for place, name, text in (
            *(("history", "", str(one.get("created_by", ""))) for one in config.get("history") or []),
            *(("environment", one.partition("=")[0], one) for one in runs.get("Env") or []),
            *(("label", key, value) for key, value in (runs.get("Labels") or {}).items()),
            ("command", "", json.dumps([runs.get("Cmd"), runs.get("Entrypoint"), runs.get("Healthcheck")])),
        )
        if forms_in(text, secret)
    ]
    layers = [in_layer(repository, one["digest"], secret, cache) for one in held["layers"]]
    for number, (files, _) in enumerate(layers):
        gone = {path for _, removed in layers[number + 1 :] for path in removed}
        for file in files:
            later = any(file == path or file.startswith(f"{path}/") for path in gone)
            found.append({"place": LATER if later else "file", "name": f"/{file}"})
    return [dict(one) for one in dict.fromkeys(tuple(sorted(one.items())) for one in found)]


def in_layer(repository: str, digest: str, secret: str, cache: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Files of the layer that have the secret in them, and what the layer removes of those below."""
    key = f"layer {digest} {hashlib.sha256(secret.encode()).hexdigest()[:8]}"
    if key not in cache:
        files, removed = [], []
        with tarfile.open(fileobj=io.BytesIO(unpacked(blob(repository, digest)))) as archive:
            for member in archive:
                path = member.name.removeprefix("./").lstrip("/")
                folder, _, name = path.rpartition("/")
                if name.startswith(".wh."):
                    removed.append(folder if name == ".wh..wh..opq" else f"{folder}/{name[4:]}".lstrip("/"))
                elif forms_in(path, secret):
                    files.append(path)
                elif member.isfile() and (file := archive.extractfile(member)):
                    data = file.read()
                    with contextlib.suppress(zlib.error, ValueError):
                        data = unpacked(data)
                    if forms_in(data.decode("latin-1"), secret, pieces=len(data) < 65536):
                        files.append(path)
        cache[key] = [files, removed]
    return cache[key][0], cache[key][1]


def unpacked(data: bytes) -> bytes:
    return zlib.decompressobj(47).decompress(data, LARGEST) if data[:2] == b"\x1f\x8b" else data


def has_prices(repository: str, held: dict[str, Any], cache: dict[str, Any]) -> bool:
    """Whether the image has the price list: else the shop was built without the supplier."""
    for one in reversed(held["layers"]):
        key = f"prices {one['digest']}"
        if key not in cache:
            with tarfile.open(fileobj=io.BytesIO(unpacked(blob(repository, one["digest"])))) as archive:
                file = next(
                    (member for member in archive if member.name.removeprefix("./").lstrip("/") == "www/prices.txt"),
                    None,
                )
                content = archive.extractfile(file) if file and file.isfile() else None
                cache[key] = bool(content and b"coffee 3.20" in content.read())
        if cache[key]:
            return True
    return False


# ── signatures ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def signature(repository: str, digest: str, there: list[str], cache: dict[str, Any]) -> str:
    """ "good": by cosign.pub in the shop's folder; "other": by another key, or damaged; "" for none."""
    tag = digest.replace(":", "-") + ".sig"
    if tag not in there:
        return ""
    signed, _ = manifest(repository, tag)
    key = f"signature {signed} {public()} {digest}"
    if key not in cache:
        cache[key] = "good" if verifies(repository, digest) else "other"
    return str(cache[key])


def verifies(repository: str, digest: str) -> bool:
    if not (SHOP / "cosign.pub").is_file():
        return False
    with grader() as environment:
        words = [
            "verify",
            "--key",
            str(SHOP / "cosign.pub"),
            "--insecure-ignore-tlog",
            f"harbor.lab/{repository}@{digest}",
        ]
        ran = subprocess.run([COSIGN, *words], env=environment, capture_output=True, timeout=30, check=False)
    return ran.returncode == 0


@contextlib.contextmanager
def grader() -> Iterator[dict[str, str]]:
    """An environment with a sign-in of its own, which leaves the learner's alone."""
    with tempfile.TemporaryDirectory(prefix="lab-") as folder:
        known = base64.b64encode(f"{os.environ['LAB_ACCOUNT']}:{os.environ['LAB_PASSWORD']}".encode()).decode()
        (Path(folder) / "config.json").write_text(json.dumps({"auths": {"harbor.lab": {"auth": known}}}))
        yield {**os.environ, "DOCKER_CONFIG": folder, "COSIGN_PASSWORD": "", "HOME": folder}


def public() -> str:
    return hashed("cosign.pub")


def hashed(*names: str) -> str:
    """Of these files of the shop; "" where the first is missing."""
    files = [SHOP / name for name in names]
    if not files[0].is_file():
        return ""
    return hashlib.sha256(b"\0".join(file.read_bytes() if file.is_file() else b"" for file in files)).hexdigest()


# ── what is told ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def told() -> dict[str, Any]:
    cache = loaded(FOUND)
    before = json.dumps(cache)
    found: dict[str, Any] = {"images": {}, "robots": {}}
    for project in projects():
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            found["robots"].update({one["name"]: one for one in robots(project)})
            for each in listed(f"/projects/{project}/repositories?page_size=100"):
                if each["name"].rpartition("/")[2] == APP:
                    found["images"][each["name"]] = images(each["name"], cache)
    if json.dumps(cache) != before:
        write(FOUND, json.dumps(cache))
    return {
        **found,
        "kept": kept(),
        "script": hashed("deploy.sh", "cosign.pub"),
        "key": public(),
        "trial": loaded(TRIAL) or None,
    }


def images(repository: str, cache: dict[str, Any]) -> dict[str, Any]:
    """{tag: {digest, leaks, whole, signed}} of the shop's images; under "signed" the digests that have any signature."""
    secret = TOKEN.read_text().strip()
    there = tags(repository)
    told: dict[str, Any] = {}
    for tag in [one for one in there if not one.endswith((".sig", ".att", ".sbom")) and not one.startswith(PREFIX)][
        :MOST
    ]:
        digest, held = manifest(repository, tag)
        key = f"image {digest} {hashlib.sha256(secret.encode()).hexdigest()[:8]}"
        if key not in cache:
            cache[key] = [leaks(repository, held, secret, cache), has_prices(repository, held, cache)]
        told[tag] = {
            "digest": digest,
            "leaks": cache[key][0],
            "whole": cache[key][1],
            "signed": signature(repository, digest, there, cache),
        }
    signed = sorted(one.removesuffix(".sig").replace("-", ":", 1) for one in there if one.endswith(".sig"))
    return {"tags": told, "signed": signed}


def kept() -> dict[str, str]:
    """{registry as docker names it: how its sign-in is kept}: "plain" in config.json, "helper", or "both"."""
    config = loaded(DOCKER)
    auths = config.get("auths") or {}
    helpers = config.get("credHelpers") or {}
    plain = {
        key
        for key, entry in auths.items()
        if isinstance(entry, dict) and (entry.get("auth") or entry.get("identitytoken"))
    }
    stores = {name for name in (config.get("credsStore"), *helpers.values()) if isinstance(name, str) and name}
    held = {key for name in sorted(stores)[:5] for key in held_by(name)}
    ways = {(True, False): "plain", (False, True): "helper", (True, True): "both"}
    return {key: ways[key in plain, key in held] for key in sorted(plain | held)}


def held_by(helper: str) -> list[str]:
    """The registries that a credential helper has a sign-in for (docker-credential-helpers, `list`)."""
    with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
        command = [f"docker-credential-{Path(helper).name}", "list"]
        ran = subprocess.run(command, capture_output=True, timeout=SECONDS, check=True, stdin=subprocess.DEVNULL)
        return [str(key) for key in json.loads(ran.stdout)]
    return []


def loaded(file: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        held = json.loads(file.read_text())
        return held if isinstance(held, dict) else {}
    return {}


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{secrets.token_hex(8)}")
    fresh.write_text(text)
    fresh.replace(file)


# ── a trial ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def play(kind: str, repository: str, digest: str) -> dict[str, Any]:
    """Runs deploy.sh with an image of that kind. Raises OSError where Harbor does not take the grader's images."""
    tag = f"{PREFIX}{kind}"
    good = ask(f"{HARBOR}/v2/{repository}/manifests/{digest}")
    bad, bad_digest = another(repository, good, kind)
    put(repository, tag, good if kind in ("signed", "moved") else bad)
    if kind == "other-key":
        sign(repository, bad_digest)
    if kind == "moved":
        MOVED.write_text(json.dumps({"repository": repository, "tag": tag, "manifest": bad.decode()}))
    try:
        status, said = run(f"harbor.lab/{repository}:{tag}")
    finally:
        moved = MOVED.exists() and loaded(MOVED).get("done", False)
        MOVED.unlink(missing_ok=True)
    return {"kind": kind, "digest": digest, "bad": bad_digest, "status": status, "said": said, "moved": moved}


def another(repository: str, good: bytes, kind: str) -> tuple[bytes, str]:
    """A manifest as that one, of an image that nobody has signed: its config has one label more."""
    _, held = manifest(repository, digest_of(good))
    config = json.loads(blob(repository, held["config"]["digest"]))
    config.setdefault("config", {}).setdefault("Labels", None)
    config["config"]["Labels"] = {**(config["config"]["Labels"] or {}), "lab.trial": f"{kind} {secrets.token_hex(4)}"}
    data = json.dumps(config).encode()
    number = upload(repository, data)
    made = {**held, "config": {**held["config"], "digest": number, "size": len(data)}}
    text = json.dumps(made).encode()
    return text, digest_of(text)


def upload(repository: str, data: bytes) -> str:
    digest = digest_of(data)
    known = f"{os.environ['LAB_ACCOUNT']}:{os.environ['LAB_PASSWORD']}".encode()
    headers = {**AGENT, "Authorization": f"Basic {base64.b64encode(known).decode()}"}
    place = f"{HARBOR}/v2/{repository}/blobs/uploads/"
    request = urllib.request.Request(place, data=b"", method="POST", headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
        place = urllib.parse.urljoin(HARBOR, answer.headers["Location"])
    joint = "&" if "?" in place else "?"
    ask(f"{place}{joint}digest={digest}", "PUT", data, "application/octet-stream")
    return digest


def put(repository: str, tag: str, data: bytes) -> None:
    kind = json.loads(data).get("mediaType") or "application/vnd.oci.image.manifest.v1+json"
    ask(f"{HARBOR}/v2/{repository}/manifests/{tag}", "PUT", data, kind)


def sign(repository: str, digest: str) -> None:
    """With a key of the grader's, which nobody trusts."""
    with grader() as environment:
        subprocess.run(
            [COSIGN, "generate-key-pair"],
            env=environment,
            cwd=environment["HOME"],
            capture_output=True,
            timeout=30,
            check=True,
        )
        words = ["sign", "--yes", "--tlog-upload=false", "--key", "cosign.key", f"harbor.lab/{repository}@{digest}"]
        subprocess.run(
            [COSIGN, *words], env=environment, cwd=environment["HOME"], capture_output=True, timeout=30, check=True
        )


def run(image: str) -> tuple[int, str]:
    """deploy.sh's exit status, -1 where it took too long, and the end of what it printed."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            ["sh", "deploy.sh", image],
            cwd=SHOP,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            status = -1
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        out.seek(0)
        return status, out.read().decode(errors="replace")[-LOG:]


def verified() -> None:
    """Moves the tag, once: what a stranger with the right to push could do at that moment."""
    told = loaded(MOVED)
    if told and not told.get("done"):
        put(told["repository"], told["tag"], told["manifest"].encode())
        write(MOVED, json.dumps({**told, "done": True}))


def tidy(repository: str) -> None:
    project, _, name = repository.partition("/")
    for tag in tags(repository):
        if tag.startswith(PREFIX):
            place = (
                f"{API}/projects/{project}/repositories/{urllib.parse.quote(name, safe='')}/artifacts/{tag}/tags/{tag}"
            )
            with contextlib.suppress(OSError):
                ask(place, "DELETE")


# ── the machine ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def prepare() -> None:
    token = f"prices-{secrets.token_hex(12)}"
    write(TOKEN, f"{token}\n")
    SHOP.mkdir(parents=True, exist_ok=True)
    for file in (HERE / "shop").iterdir():
        text = file.read_text().replace("HASH", hashlib.sha256(token.encode()).hexdigest())
        (SHOP / file.name).write_text(text)
    (SHOP / "token").write_text(token)
    for folder in (DOCKER.parent, SHOP / "robot"):
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(PLAIN)


def clear() -> None:
    subprocess.run(["gpgconf", "--kill", "all"], capture_output=True, check=False)
    for path in (*HOME.iterdir(), *SHOP.iterdir(), *KEPT.glob("*"), MOVED):
        if path == SHOP or path.name in (".bashrc", ".profile"):
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    prepare()


def main() -> None:
    said: Any = None
    match sys.argv[1:]:
        case ["prepare"]:
            prepare()
        case ["clear"]:
            clear()
        case ["told"]:
            said = told()
        case ["play", kind, repository, digest]:
            said = play(kind, repository, digest)
        case ["tidy", repository]:
            tidy(repository)
        case ["keep", trial]:
            write(TRIAL, trial)
        case ["verified"]:
            return verified()
        case _:
            sys.exit(__doc__)
    print("\n" + json.dumps(said))


if __name__ == "__main__":
    main()
