"""What is tried on Amazon ECR's own ways: its token, its signatures, its control plane, and real AWS keys."""

import base64

import pytest
from amazon import FACTS, TARGET, Ecr
from by_hand import HUB, digest_of, forget, seen
from by_hand import Registry as ByHand

attack = pytest.mark.attack


@pytest.fixture
def ecr(running_lab):
    """With a repository, in which a layer lies."""
    found = Ecr(running_lab.parts["edge"].address)
    there = found.repository("app")
    there.blob(b"secret")
    yield found
    found.close()
    forget(running_lab, "shop/app", registry="ecr")
    with running_lab.wire("edge") as wire:
        wire.request("POST", "/forget", {"registries": ["ecr"]})


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def repositories(ecr):
    return [one["repositoryName"] for one in ecr.api("DescribeRepositories").is_(200).json["repositories"]]


@attack(
    "protocol",
    "Amazon ECR's control plane unsigned, by another key, and with what was signed changed",
    "AWS's own error; nothing changes",
)
def test_only_the_labs_own_signature_is_taken(running_lab, ecr):
    def change(**headers):
        return lambda told, data: ({**told, **{name.replace("_", "-"): value for name, value in headers.items()}}, data)

    for done in (
        change(Authorization=""),
        change(Authorization="Basic QVdTOng="),
        change(X_Amz_Target=TARGET + "DeleteRepository"),
        change(X_Amz_Date="20200101T000000Z"),
        lambda told, data: (told, data.replace(b"more", b"evil")),
    ):
        answer = ecr.api("CreateRepository", change=done, repositoryName="shop/more", force=True)
        assert answer.status == 400 and "Exception" in answer.json["__type"]
    for pair in ((FACTS.accounts[0][0], "x"), ("LABOTHER", FACTS.accounts[0][1])):
        other = Ecr(running_lab.parts["edge"].address, pair=pair)
        assert other.api("DeleteRepository", repositoryName="shop/app", force=True).status == 400
        other.close()
    assert repositories(ecr) == ["shop/app"]


@attack("protocol", "a token of Amazon ECR's that was altered, made up, or is another registry's", "400 or 401")
def test_only_its_own_tokens_open_it(running_lab, ecr):
    user, token = ecr.token()
    path = f"/v2/shop/app/blobs/{digest_of(b'secret')}"
    assert ecr.ask("GET", path, headers=basic(user, token)).status == 200
    held = base64.b64decode(token)
    longer = held.replace(b'"expiration": 1', b'"expiration": 9')
    for typed in (
        "",
        "x",
        token[:-8],
        base64.b64encode(longer).decode(),
        base64.b64encode(b"\0" * 32 + held[32:]).decode(),
    ):
        assert ecr.ask("GET", path, headers=basic(user, typed)).status == 400
    assert ecr.ask("GET", path, headers=basic("myusername", token)).status == 400
    assert ecr.ask("GET", path, headers=basic("myusername", "mypassword")).status == 400
    assert ecr.ask("GET", path).status == 401
    hub = ByHand(running_lab, HUB, "myusername").may("repository:library/busybox:pull")
    assert ecr.ask("GET", path, headers=hub.head).status == 401
    assert hub.token(user="AWS", password=token).status == 401


@attack(
    "protocol",
    "a real AWS key's form at Amazon ECR, as key, as password, and as user",
    "refused with the reason; it is nowhere in the log",
)
def test_a_real_key_is_kept_nowhere(running_lab, ecr):
    real = "AKIA" + "Z7EXAMPLE7EXAMPL"
    ecr.pair, lab = (real, "x"), ecr.pair
    told = ecr.api("DescribeRepositories")
    ecr.pair = lab
    assert told.status == 400 and "takes no real credential" in told.json["message"]
    for pair in (("AWS", real), (real, "x")):
        answer = ecr.ask("GET", "/v2/", headers=basic(*pair))
        assert answer.status == 401 and "takes no real credential" in answer.json["errors"][0]["message"]
    assert real not in str(seen(running_lab, "log").log)


@attack(
    "protocol",
    "a body of 1 MB, 60,000 deep, or of no JSON, odd names, tags and digests at Amazon ECR's control plane",
    "4xx; the next one is served",
)
def test_odd_requests_to_the_control_plane(running_lab, ecr):
    assert ecr.api("CreateRepository", b" " * 1_000_000).status == 413
    for body in (b"[" * 60_000, b"\xff\xfe", b"[]", b"", b"7"):
        assert ecr.api("CreateRepository", body).status == 400
    for name in ("../../x", "shop/../app", "a\0b", "_manifests", "x/_layers", {"a": 1}, ["x"], None, "a" * 256):
        assert ecr.api("CreateRepository", repositoryName=name).status == 400
        assert ecr.api("DeleteRepository", repositoryName=name, force=True).status == 400
    for odd in ("../current", "..", "sha256:../../x", "a/b", {"a": 1}, 7):
        for key in ("imageTag", "imageDigest"):
            answer = ecr.api("BatchDeleteImage", repositoryName="shop/app", imageIds=[{key: odd}])
            assert answer.status == 400
    assert ecr.api("Nothing").status == 400
    assert repositories(ecr) == ["shop/app"]


@attack("protocol", "600 repositories in Amazon ECR", "500 are kept, the others are refused")
def test_what_it_keeps_is_bounded(ecr):
    told = [ecr.api("CreateRepository", repositoryName=f"shop/r{n}").status for n in range(600)]
    assert told.count(200) == 499 and set(told) == {200, 400}
