"""Amazon ECR: its sign-in, its repositories, and its control plane, each answer held against botocore's own service model."""

import base64
import gzip
import hashlib
import json
import time
from pathlib import Path

import botocore
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.model import ServiceModel
from stored import HELD, INDEX, Store
from test_flavours import asked

from labkit.edge.flavours import flavours
from labkit.edge.flavours.base import View
from labkit.edge.flavours.ecr import API, HOST, OPERATIONS, TARGET
from labkit.edge.flavours.lifecycle import Image, expiring, rules
from labkit.edge.flavours.routes import Call
from labkit.edge.shelf import Shelf

MODEL = ServiceModel(
    json.loads(gzip.decompress((Path(botocore.__file__).parent / "data/ecr/2015-09-21/service-2.json.gz").read_bytes()))
)


def sound(value, shape, where="answer"):
    """Holds an answer against a shape of the model: each field is known there, and of its kind."""
    if shape.type_name == "structure":
        assert set(value) <= set(shape.members), f"{where}: {set(value) - set(shape.members)}"
        assert set(shape.required_members) <= set(value), where
        for key, inner in value.items():
            sound(inner, shape.members[key], f"{where}.{key}")
    elif shape.type_name == "list":
        assert isinstance(value, list), where
        for inner in value:
            sound(inner, shape.member, f"{where}[]")
    elif shape.type_name == "string":
        assert isinstance(value, str) and (not shape.enum or value in shape.enum), where
    else:
        kinds = {"integer": int, "long": int, "boolean": bool, "timestamp": (int, float)}
        assert isinstance(value, kinds[shape.type_name]), where


@pytest.fixture
def ecr(tmp_path):
    return flavours(tmp_path / "kept")["ecr"]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store", "ecr")


def signed(operation, body, pair, host=API, region="eu-central-1"):
    """Headers and body as botocore sends them."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"X-Amz-Target": TARGET + operation, "Content-Type": "application/x-amz-json-1.1", "Host": host}
    request = AWSRequest("POST", f"https://{host}/", headers, data)
    SigV4Auth(Credentials(*pair), "ecr", region).add_auth(request)
    return {key.lower(): value for key, value in request.headers.items()}, data


@pytest.fixture
def call(ecr, tmp_path):
    """Asks the control plane: (operation, parameters) gives (status, answer)."""
    shelf = Shelf(tmp_path / "store")

    def ask(operation, pair=ecr.facts.accounts[0], change=None, **body):
        headers, data = signed(operation, body, pair)
        if change:
            headers, data = change(headers, data)
        answer, parts = ecr.routes.find("POST", "/")
        reply = answer(ecr, Call("POST", "/", parts, {}, json.loads(data), None, shelf, headers, data))
        if reply.status == 200:
            sound(reply.body, MODEL.operation_model(operation).output_shape)
        return reply.status, reply.body

    return ask


@pytest.fixture
def done(call):
    """The same where it is done."""

    def ask(operation, **body):
        status, told = call(operation, **body)
        assert status == 200, told
        return told

    return ask


@pytest.fixture
def refused(call):
    """The same where it is refused: (code, message)."""

    def ask(operation, **body):
        status, told = call(operation, **body)
        assert status == 400 and set(told) == {"__type", "message"}
        return told["__type"], told["message"]

    return ask


def password(told):
    user, _, secret = base64.b64decode(told["authorizationData"][0]["authorizationToken"]).decode().partition(":")
    assert user == "AWS"
    return secret


def test_every_operation_is_one_of_the_model():
    assert set(OPERATIONS) <= set(MODEL.operation_names) and len(OPERATIONS) == 13


def test_a_token_opens_the_registry_for_twelve_hours(ecr, done):
    told = done("GetAuthorizationToken")
    assert told["authorizationData"][0]["proxyEndpoint"] == f"https://{HOST}"
    assert abs(told["authorizationData"][0]["expiresAt"] - time.time() - 12 * 3600) < 5
    secret = password(told)
    assert ecr.sign_in("AWS", secret).kind == "short-lived token"
    for name, typed in (("AWS", "x"), ("AWS", secret[:-4] + "AAAA"), ("aws", secret), ("AWS", "é"), ("AWS", "\ud800")):
        assert ecr.sign_in(name, typed).status == 400
    ecr.clock.move(12 * 3600 + 1)
    gone = ecr.sign_in("AWS", secret)
    assert (gone.status, gone.code) == (403, "DENIED")
    assert gone.message == "Your authorization token has expired. Reauthenticate and try again."
    assert ecr.sign_in("AWS", password(done("GetAuthorizationToken"))).name == "AWS"


def test_a_token_outlives_the_edge_and_not_a_reset(ecr, done, tmp_path):
    secret = password(done("GetAuthorizationToken"))
    assert flavours(tmp_path / "kept")["ecr"].sign_in("AWS", secret).name == "AWS"
    ecr.kept.forget()
    assert ecr.sign_in("AWS", secret).status == 400


def test_only_the_labs_own_key_is_taken(ecr, call):
    key, secret = ecr.facts.accounts[0]
    wrong = call("CreateRepository", pair=(key, "wrong"), repositoryName="shop")
    assert wrong[0] == 400 and wrong[1]["__type"] == "InvalidSignatureException"
    assert wrong[1]["message"].startswith(
        "The request signature we calculated does not match the signature you provided."
    )
    unknown = call("CreateRepository", pair=("LABOTHER", secret), repositoryName="shop")
    assert unknown[1] == {
        "__type": "UnrecognizedClientException",
        "message": "The security token included in the request is invalid.",
    }
    real = call("CreateRepository", pair=("AKIA" + "IOSFODNN7EXAMPLE", secret), repositoryName="shop")
    assert real[1]["__type"] == "UnrecognizedClientException" and "takes no real credential" in real[1]["message"]
    assert ecr.sign_in("AWS", "AKIA" + "IOSFODNN7EXAMPLE").message.endswith("if it is in use")
    assert not ecr.in_use


@pytest.mark.parametrize(
    "change",
    [
        lambda headers, data: (headers, data.replace(b"shop", b"shoq")),
        lambda headers, data: ({**headers, "x-amz-target": TARGET + "DeleteRepository"}, data),
        lambda headers, data: ({**headers, "host": "elsewhere"}, data),
        lambda headers, data: ({**headers, "x-amz-date": "20200101T000000Z"}, data),
        lambda headers, data: ({**headers, "authorization": ""}, data),
        lambda headers, data: ({**headers, "authorization": headers["authorization"][:-1]}, data),
        lambda headers, data: ({**headers, "authorization": headers["authorization"].replace("/ecr/", "/s3/")}, data),
        lambda headers, data: ({**headers, "authorization": headers["authorization"].replace("host;", "")}, data),
        lambda headers, data: ({**headers, "authorization": "Basic QVdTOng="}, data),
    ],
)
def test_what_was_changed_on_its_way_is_refused(ecr, call, change):
    status, told = call("CreateRepository", change=change, repositoryName="shop")
    assert status == 400 and "Exception" in told["__type"]
    assert not ecr.in_use


def test_an_old_signature_is_refused(call, monkeypatch):
    now = time.time()
    monkeypatch.setattr("labkit.edge.flavours.signatures.time.time", lambda: now + 1000)
    status, told = call("DescribeRepositories")
    assert (status, told["__type"]) == (400, "InvalidSignatureException")
    assert told["message"].startswith("Signature expired")


def test_a_repository_must_exist_first(ecr, done, refused):
    shelf = None
    view = View(shelf, "ecr", "shop/app")
    assert ecr.allowed("AWS", view) == set()
    none = ecr.denied(asked(ecr, shelf, "push", "shop/app", user="AWS"))
    words = "The repository with name 'shop/app' does not exist in the registry with id '123456789012'"
    assert (none.status, none.code, none.message) == (404, "NAME_UNKNOWN", words)
    assert ecr.denied(asked(ecr, shelf, "pull", "shop/app")).status == 401
    made = done("CreateRepository", repositoryName="shop/app")["repository"]
    assert made["repositoryUri"] == f"{HOST}/shop/app" and made["imageTagMutability"] == "MUTABLE"
    assert made["repositoryArn"] == "arn:aws:ecr:eu-central-1:123456789012:repository/shop/app"
    assert ecr.allowed("AWS", view) == {"pull", "push", "delete"} and ecr.allowed(None, view) == set()
    assert list(ecr.listed("AWS", ["old"])) == ["shop/app"]
    again = refused("CreateRepository", repositoryName="shop/app")
    words = "The repository with name 'shop/app' already exists in the registry with id '123456789012'"
    assert again == ("RepositoryAlreadyExistsException", words)
    assert done("DescribeRepositories", repositoryNames=["shop/app"])["repositories"] == [made]
    assert refused("DescribeRepositories", repositoryNames=["none"])[0] == "RepositoryNotFoundException"
    assert done("DeleteRepository", repositoryName="shop/app")["repository"] == made
    assert done("DescribeRepositories") == {"repositories": []}


@pytest.mark.parametrize("name", [None, "", "a", "Shop", "a//b", "a/", "../x", "a__b", 7, "a" * 300, ["a"]])
def test_a_repository_has_a_name_that_can_be_one(refused, name):
    code, message = refused("CreateRepository", repositoryName=name)
    assert code == "InvalidParameterException" and "must satisfy regular expression" in message


def test_how_ecr_asks_to_sign_in(ecr):
    told = f'Basic realm="https://{HOST}/",service="ecr.amazonaws.com"'
    assert ecr.challenge("repository:a/b:pull", "insufficient_scope") == told


def test_a_tag_that_is_immutable_stays_what_it_is(ecr, done, refused, store, tmp_path):
    shelf = Shelf(tmp_path / "store")
    done("CreateRepository", repositoryName="shop", imageTagMutability="MUTABLE")
    store.image("shop", "one", "v1")
    push = asked(ecr, shelf, "push", "shop", "v1", "AWS")
    assert ecr.forbids(push) is None
    told = done("PutImageTagMutability", repositoryName="shop", imageTagMutability="IMMUTABLE")
    assert told["imageTagMutability"] == "IMMUTABLE"
    no = ecr.forbids(push)
    words = "The image tag 'v1' already exists in the 'shop' repository and cannot be overwritten because the tag is immutable."
    assert (no.status, no.code, no.message, no.reason) == (400, "TAG_INVALID", words, "immutable")
    assert ecr.forbids(asked(ecr, shelf, "push", "shop", "v2", "AWS")) is None
    assert ecr.forbids(asked(ecr, shelf, "delete", "shop", "v1", "AWS")) is None
    assert refused("PutImageTagMutability", repositoryName="shop", imageTagMutability="x")[0].startswith("Invalid")


def test_it_tells_of_what_was_pushed(done, refused, store):
    done("CreateRepository", repositoryName="shop")
    old = store.image("shop", "old", ago=100)
    new = store.image("shop", "newer", "v1", "latest")
    details = done("DescribeImages", repositoryName="shop")["imageDetails"]
    assert [one["imageDigest"] for one in details] == [new, old]
    assert sorted(details[0]["imageTags"]) == ["latest", "v1"] and "imageTags" not in details[1]
    assert [one["imageSizeInBytes"] for one in details] == [7, 5]  # the config is {}
    assert details[0]["imageManifestMediaType"] == HELD and details[0]["artifactMediaType"].endswith("config.v1+json")
    assert abs(details[1]["imagePushedAt"] - time.time() + 100) < 5
    untagged = done("DescribeImages", repositoryName="shop", filter={"tagStatus": "UNTAGGED"})["imageDetails"]
    assert [one["imageDigest"] for one in untagged] == [old]
    (one,) = done("DescribeImages", repositoryName="shop", imageIds=[{"imageTag": "v1"}])["imageDetails"]
    assert one["imageDigest"] == new
    code, message = refused("DescribeImages", repositoryName="shop", imageIds=[{"imageTag": "v9"}])
    assert code == "ImageNotFoundException"
    assert message == (
        "The image with imageId {imageDigest:'null', imageTag:'v9'} does not exist within the repository with name 'shop' in "
        "the registry with id '123456789012'"
    )
    listed = done("ListImages", repositoryName="shop")["imageIds"]
    assert {one.get("imageTag") for one in listed} == {"v1", "latest", None}
    got = done("BatchGetImage", repositoryName="shop", imageIds=[{"imageTag": "v1"}, {"imageTag": "v9"}])
    assert hashlib.sha256(got["images"][0]["imageManifest"].encode()).hexdigest() == new[7:]
    assert got["failures"][0]["failureCode"] == "ImageNotFound"


def test_an_index_is_as_large_as_its_largest_image(done, store):
    done("CreateRepository", repositoryName="shop")
    inner = [{"digest": store.image("shop", text), "mediaType": HELD, "size": 1} for text in ("a", "longer")]
    index = store.manifest("shop", {"schemaVersion": 2, "mediaType": INDEX, "manifests": inner}, "v1")
    (one,) = done("DescribeImages", repositoryName="shop", filter={"tagStatus": "TAGGED"})["imageDetails"]
    assert (one["imageDigest"], one["imageSizeInBytes"]) == (index, 8)


def test_it_tells_a_few_at_a_time(done, refused):
    for n in range(5):
        done("CreateRepository", repositoryName=f"r{n}x")
    first = done("DescribeRepositories", maxResults=3)
    rest = done("DescribeRepositories", maxResults=3, nextToken=first["nextToken"])
    assert [len(part["repositories"]) for part in (first, rest)] == [3, 2] and "nextToken" not in rest
    for odd in ({"maxResults": 0}, {"maxResults": "x"}, {"nextToken": "x"}, {"registryId": "210987654321"}):
        assert refused("DescribeRepositories", **odd)[0] == "InvalidParameterException"


def test_images_go_by_their_tag_or_digest(done, refused, store):
    done("CreateRepository", repositoryName="shop")
    digest = store.image("shop", "one", "v1", "v2")
    other = store.image("shop", "two", "v3")
    assert refused("DeleteRepository", repositoryName="shop") == (
        "RepositoryNotEmptyException",
        "The repository with name 'shop' in registry with id '123456789012' cannot be deleted because it still contains images",
    )
    gone = done("BatchDeleteImage", repositoryName="shop", imageIds=[{"imageTag": "v1"}, {"imageTag": "v9"}])
    assert gone["imageIds"] == [{"imageDigest": digest, "imageTag": "v1"}] and len(gone["failures"]) == 1
    assert {one["imageDigest"] for one in done("ListImages", repositoryName="shop")["imageIds"]} == {digest, other}
    done("BatchDeleteImage", repositoryName="shop", imageIds=[{"imageTag": "v2"}])
    done("BatchDeleteImage", repositoryName="shop", imageIds=[{"imageDigest": other}])
    assert done("ListImages", repositoryName="shop")["imageIds"] == []
    store.image("shop", "one", "v1")
    done("DeleteRepository", repositoryName="shop", force=True)
    done("CreateRepository", repositoryName="shop")
    assert done("DescribeImages", repositoryName="shop")["imageDetails"] == []


@pytest.mark.parametrize(
    "ids", [None, [], "x", [{}], [None], [{"imageTag": "../x"}], [{"imageDigest": "x"}], [{"a": "b"}]]
)
@pytest.mark.parametrize("operation", ["BatchDeleteImage", "BatchGetImage"])
def test_odd_images_are_refused(done, refused, operation, ids):
    done("CreateRepository", repositoryName="shop")
    assert refused(operation, repositoryName="shop", imageIds=ids)[0] == "InvalidParameterException"


def test_no_other_operation(refused):
    assert refused("PutImage")[0] == "UnknownOperationException"


def policy(status="untagged", kind="imageCountMoreThan", number=1, priority=1, **more):
    selection = {"tagStatus": status, "countType": kind, "countNumber": number, **more}
    return json.dumps({"rules": [{"rulePriority": priority, "selection": selection, "action": {"type": "expire"}}]})


def test_a_lifecycle_policy_and_what_it_would_expire(done, refused, store):
    done("CreateRepository", repositoryName="shop")
    assert refused("GetLifecyclePolicy", repositoryName="shop")[0] == "LifecyclePolicyNotFoundException"
    assert refused("GetLifecyclePolicyPreview", repositoryName="shop")[0] == "LifecyclePolicyPreviewNotFoundException"
    assert refused("PutLifecyclePolicy", repositoryName="shop", lifecyclePolicyText="{}")[0].startswith("Invalid")
    done("PutLifecyclePolicy", repositoryName="shop", lifecyclePolicyText=policy())
    assert done("GetLifecyclePolicy", repositoryName="shop")["lifecyclePolicyText"] == policy()
    oldest = store.image("shop", "oldest", ago=200)
    store.image("shop", "older", ago=100)
    store.image("shop", "new", "v1")
    assert done("StartLifecyclePolicyPreview", repositoryName="shop")["status"] == "IN_PROGRESS"
    told = done("GetLifecyclePolicyPreview", repositoryName="shop")
    assert [one["imageDigest"] for one in told["previewResults"]] == [oldest]
    assert (told["status"], told["summary"]) == ("COMPLETE", {"expiringImageTotalCount": 1})


def test_a_lifecycle_policy_acts_when_time_passes(ecr, done, store, tmp_path):
    for name in ("shop", "other"):
        done("CreateRepository", repositoryName=name)
    done("PutLifecyclePolicy", repositoryName="shop", lifecyclePolicyText=policy("any"))
    store.image("shop", "older", "v1", "also", ago=100)
    new = store.image("shop", "new", "v2")
    store.image("other", "older", ago=100)
    store.image("other", "new")

    def held(name):
        return [one["imageDigest"] for one in done("DescribeImages", repositoryName=name)["imageDetails"]]

    assert len(held("shop")) == 2  # not before
    ecr.passed(Shelf(tmp_path / "store"))
    assert held("shop") == [new] and len(held("other")) == 2
    assert done("ListImages", repositoryName="shop")["imageIds"] == [{"imageDigest": new, "imageTag": "v2"}]


def test_which_images_a_rule_selects():
    images = [Image("a", ("v1",), 10 * 86400), Image("b", ("dev-1", "x"), 86400), Image("c", (), 0)]

    def by(*texts, now=10 * 86400):
        told = {"rules": [rule for text in texts for rule in json.loads(text)["rules"]]}
        return "".join(image.digest for image, _ in expiring(json.dumps(told), images, now))

    days = {"kind": "sinceImagePushed", "countUnit": "days"}
    assert by(policy("any")) == "bc"
    assert by(policy("any", number=9, **days)) == "c" and by(policy("any", number=8, **days)) == "bc"
    assert by(policy("tagged", number=5, tagPrefixList=["dev"], **days)) == "b"
    assert by(policy("tagged", number=5, tagPatternList=["d*1"], **days)) == "b"
    assert by(policy("tagged", number=5, tagPatternList=["[a-z]*"], **days)) == ""
    assert by(policy("tagged", number=99, tagPrefixList=["dev"]), policy("any", number=1, priority=2, **days)) == "c"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "x",
        "[" * 10_000,
        '{"rules": []}',
        '{"rules": [1]}',
        policy(number=0),
        policy(priority="x"),
        policy("tagged"),
        policy("untagged", tagPrefixList=["a"]),
        policy("tagged", tagPatternList=["*****"]),
        policy(kind="sinceImagePushed"),
        policy(countUnit="days"),
        policy(kind="x"),
    ],
)
def test_what_is_no_policy(text):
    with pytest.raises(ValueError):
        rules(text)
