"""Amazon ECR's stand-in: Basic with the user AWS and a token of twelve hours, repositories that are made first, and its control
plane, which tells of what was pushed.

Its form is botocore's service model (ecr, 2015-09-21); where each sentence was read: docs/flavours.md.
"""

import base64
import binascii
import hmac
import json
import re
import secrets
from collections.abc import Iterable, Iterator
from typing import Any

from ..grammar import LONGEST_NAME, TAG, is_digest, is_repository
from ..shelf import Shelf
from ..summary import parse, parts_of
from .base import (
    A_REAL_ONE,
    EXPIRED,
    IMMUTABLE,
    NO_REPOSITORY,
    NOT_SIGNED_IN,
    SHORT_LIVED,
    UNKNOWN_USER,
    WRONG_PASSWORD,
    Account,
    Asked,
    Flavour,
    Refusal,
    View,
    looks_real,
)
from .lifecycle import Image, expiring, rules
from .routes import Call, Reply, Routes
from .signatures import Unsigned, check, key_of

USER = "AWS"
ACCOUNT, REGION = "123456789012", "eu-central-1"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
API = f"api.ecr.{REGION}.amazonaws.com"
TARGET = "AmazonEC2ContainerRegistry_V20150921."

NAME = re.compile(r"(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*")
"""A repository's name (botocore's model, RepositoryName)."""

MOST = 500
"""Repositories."""

PAGE = 100
"""Entries of an answer where no number is asked for."""

MUTABILITIES = ("MUTABLE", "IMMUTABLE")


class Refused(Exception):
    """AWS's own error: its code, and what it says."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message


class Ecr(Flavour):
    scheme = "Basic"
    takes_basic = True
    realm = f"https://{HOST}/"
    service = "ecr.amazonaws.com"
    token_path = ""
    lifetime = 12 * 3600
    longest = lifetime
    lists = True
    routes = Routes(host=API, signed=True)

    # ── what is kept ──

    @property
    def repositories(self) -> dict[str, Any]:
        return self.kept.table("repositories")

    # ── sign-in ──

    def accounts(self) -> Iterable[Account]:
        """None that is kept: a token says itself until when it is one."""
        return ()

    def password(self) -> tuple[str, int]:
        """A token to sign in with, and when it ends."""
        ends = int(self.clock.date()) + self.lifetime
        said = json.dumps({"version": "2", "type": "DATA_KEY", "expiration": ends, "payload": secrets.token_hex(16)})
        return base64.b64encode(hmac.digest(self.kept.key(), said.encode(), "sha256") + said.encode()).decode(), ends

    def opened(self, name: str, secret: str) -> Iterable[Account]:
        ends = self._ends(secret)
        return () if name != USER or ends is None else (Account(USER, "", SHORT_LIVED, ends),)

    def _ends(self, secret: str) -> float | None:
        """When this token ends, None for what is none of this registry's."""
        try:
            held = base64.b64decode(secret, validate=True)
            if not hmac.compare_digest(held[:32], hmac.digest(self.kept.key(), held[32:], "sha256")):
                return None
            return float(json.loads(held[32:])["expiration"])
        except (binascii.Error, ValueError):
            return None

    def unknown(self, named: bool) -> Refusal:
        reason = WRONG_PASSWORD if named else UNKNOWN_USER
        return Refusal(400, "DENIED", "Your Authorization Token is invalid.", reason)

    def expired(self, account: Account) -> Refusal:
        return Refusal(403, "DENIED", "Your authorization token has expired. Reauthenticate and try again.", EXPIRED)

    def challenge(self, scope: str = "", problem: str = "", sent: str = "") -> str:
        return super().challenge()

    # ── rights ──

    def allowed(self, user: str | None, view: View) -> set[str]:
        return {"pull", "push", "delete"} if user == USER and view.name in self.repositories else set()

    def listed(self, user: str, names: Iterable[str]) -> Iterator[str]:
        yield from sorted(self.repositories)

    def denied(self, asked: Asked) -> Refusal:
        if asked.user is None:
            return Refusal(401, "UNAUTHORIZED", "Not Authorized", NOT_SIGNED_IN)
        return Refusal(404, "NAME_UNKNOWN", _none(asked.view.name), NO_REPOSITORY)

    def forbids(self, asked: Asked) -> Refusal | None:
        """A tag that is there already, in a repository whose tags are immutable."""
        name, tag = asked.view.name, asked.rest
        if (asked.kind, asked.action) != ("manifests", "push") or not self._fixed(name) or tag not in asked.view.tags:
            return None
        told = (
            f"The image tag '{tag}' already exists in the '{name}' repository and cannot be overwritten because the tag is "
            "immutable."
        )
        return Refusal(400, "TAG_INVALID", told, IMMUTABLE)

    def _fixed(self, name: str) -> bool:
        return bool(self.repositories[name]["mutability"] == "IMMUTABLE")

    # ── control plane ──

    @routes.on("POST", "/")
    def api(self, call: Call) -> Reply:
        try:
            self._signed(call)
            operation = OPERATIONS.get(call.headers.get("x-amz-target", "").removeprefix(TARGET))
            if operation is None:
                raise Refused("UnknownOperationException", "this stand-in does not know this operation of Amazon ECR")
            if not isinstance(call.body, dict):
                raise Refused("SerializationException", "the body is no JSON object")
            if call.body.get("registryId", ACCOUNT) != ACCOUNT:
                raise _invalid("registryId", f"this stand-in has the registry {ACCOUNT} only")
            return Reply(200, operation(self, call.body, call.shelf))
        except (Refused, Unsigned) as no:
            return Reply(400, {"__type": no.code, "message": no.message})

    def _signed(self, call: Call) -> None:
        """Raises Refused or Unsigned."""
        header = call.headers.get("authorization", "")
        if looks_real(header):
            raise Refused("UnrecognizedClientException", A_REAL_ONE)
        secret = dict(self.facts.accounts).get(key_of(header))
        if secret is None:
            raise Refused("UnrecognizedClientException", "The security token included in the request is invalid.")
        check(call.method, call.path, call.headers, call.sent, secret, (REGION, "ecr"))

    def get_authorization_token(self, body: dict[str, Any], shelf: Shelf) -> dict[str, Any]:
        password, ends = self.password()
        token = base64.b64encode(f"{USER}:{password}".encode()).decode()
        told = {"authorizationToken": token, "expiresAt": ends, "proxyEndpoint": f"https://{HOST}"}
        return {"authorizationData": [told]}

    def create_repository(self, body: dict[str, Any], shelf: Shelf) -> dict[str, Any]:
        name = body.get("repositoryName")
        if not isinstance(name, str) or not _is_name(name):
            pattern = f"must satisfy regular expression '{NAME.pattern}'"
            raise _invalid("repositoryName", pattern)
        if name in self.repositories:
            told = f"The repository with name '{name}' already exists in the registry with id '{ACCOUNT}'"
            raise Refused("RepositoryAlreadyExistsException", told)
        if len(self.repositories) >= MOST:
            raise Refused("LimitExceededException", "this stand-in keeps no more repositories")
        scan = body.get("imageScanningConfiguration")
        self.repositories[name] = {
            "made": self.clock.date(),
            "mutability": _mutability(body.get("imageTagMutability", "MUTABLE")),
            "scan": isinstance(scan, dict) and scan.get("scanOnPush") is True,
        }
        self.kept.save()
        return {"repository": self._told(name)}

    def describe_repositories(self, body: dict[str, Any], shelf: Shelf) -> dict[str, Any]:
        named = body.get("repositoryNames")
        if named is None:
            return _page(body, "repositories", [self._told(name) for name in sorted(self.repositories)])
        return {"repositories": [self._told(self._name(name)) for name in _list(named, "repositoryNames")]}

    def delete_repository(self, body: dict[str, Any], shelf: Shelf) -> dict[str, Any]:
        name = self._name(body.get("repositoryName"))
        if shelf.revisions(self.key, name) and body.get("force") is not True:
            told = (
                f"The repository with name '{name}' in registry with id '{ACCOUNT}' cannot be deleted because it still "
            )
            raise Refused("RepositoryNotEmptyException", f"{told}contains images")
        told = {"repository": self._told(name)}
        shelf.remove(self.key, name)
        del self.repositories[name]
        self.kept.save()
        return told

    def _told(self, name: str) -> dict[str, Any]:
        said = self.repositories[name]
        return {
            "repositoryArn": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{name}",
            "registryId": ACCOUNT,
            "repositoryName": name,
            "repositoryUri": f"{HOST}/{name}",
            "createdAt": round(said["made"], 3),
            "imageTagMutability": said["mutability"],
            "imageScanningConfiguration": {"scanOnPush": said["scan"]},
            "encryptionConfiguration": {"encryptionType": "AES256"},
        }

    def _name(self, name: Any) -> str:
        """The name of a repository that there is. Raises Refused."""
        if not isinstance(name, str) or not _is_name(name):
            raise _invalid("repositoryName", f"must satisfy regular expression '{NAME.pattern}'")
        if name not in self.repositories:
            raise Refused("RepositoryNotFoundException", _none(name))
        return name

    def put_image_tag_mutability(self, body: dict[str, Any], shelf: Shelf) -> dict[str, Any]:
        name = self._name(body.get("repositoryName"))
        self.repositories[name]["mutability"] = _mutability(body.get("imageTagMutability"))
        self.kept.save()
        return {**_of(name), "imageTagMutability": self.repositories[name]["mutability"]}

    # ── control plane: images ──

    def _images(self, name: str, shelf: Shelf) -> list[Image]:
        """The newest first, with and without tags."""
        tags = shelf.tags(self.key, name)
        found = [
            Image(digest, tuple(tag for tag, led in tags.items() if led == digest), pushed)
            for digest, pushed in shelf.revisions(self.key, name).items()
        ]
        return sorted(found, key=lambda image: image.pushed, reverse=True)

    def describe_images(self, body: dict[str, Any], shelf: Shelf) -> dict[str, Any]:
        name = self._name(body.get("repositoryName"))
        images = _filtered(body, self._images(name, shelf))
        if body.get("imageIds") is None:
            told = _page(body, "imageDetails", images)
            return {**told, "imageDetails": [_detail(name, image, shelf) for image in told["imageDetails"]]}
        found = []
        for asked in _ids(body):
            image = _find(asked, images)
            if image is None:
                which = ", ".join(
                    f"{key}:'{asked.get(f'image{key[5:]}', 'null')}'" for key in ("imageDigest", "imageTag")
                )
                told = f"The image with imageId {{{which}}} does not exist within the repository with name '{name}' in the "
                raise Refused("ImageNotFoundException", f"{told}registry with id '{ACCOUNT}'")
            found.append(_detail(name, image, shelf))
        return {"imageDetails": found}

    def list_images(self, body: dict[str, Any], shelf: Shelf) -> dict[str, Any]:
        name = self._name(body.get("repositoryName"))
        found = []
        for image in _filtered(body, self._images(name, shelf)):
            found += [{"imageDigest": image.digest, "imageTag": tag} for tag in image.tags]
            found += [] if image.tags else [{"imageDigest": image.digest}]
        return _page(body, "imageIds", found)

    def batch_get_image(self, body: dict[str, Any], shelf: Shelf) -> dict[str, Any]:
        name = self._name(body.get("repositoryName"))
        images, found, failed = self._images(name, shelf), [], []
        for asked in _ids(body):
            image = _find(asked, images)
            data = shelf.content(image.digest) if image else None
            if image is None or data is None:
                failed.append(_missing(asked))
                continue
            found.append(
                {
                    **_of(name),
                    "imageId": {**asked, "imageDigest": image.digest},
                    "imageManifest": data.decode(errors="replace"),
                    "imageManifestMediaType": _media(data),
                }
            )
        return {"images": found, "failures": failed}

    def batch_delete_image(self, body: dict[str, Any], shelf: Shelf) -> dict[str, Any]:
        """By a tag the tag goes, and the image with its last one; by a digest the image with all its tags."""
        name = self._name(body.get("repositoryName"))
        gone, failed = [], []
        for asked in _ids(body):
            image = _find(asked, self._images(name, shelf))
            if image is None:
                failed.append(_missing(asked))
                continue
            tags = (asked["imageTag"],) if "imageTag" in asked else image.tags
            self._remove(name, image, tags, shelf)
            gone += [{"imageDigest": image.digest, "imageTag": tag} for tag in tags]
            gone += [] if tags else [{"imageDigest": image.digest}]
        return {"imageIds": gone, "failures": failed}

    def _remove(self, name: str, image: Image, tags: tuple[str, ...], shelf: Shelf) -> None:
        """Removes these tags, and the image with its last one."""
        for tag in tags:
            shelf.untag(self.key, name, tag)
        if set(tags) == set(image.tags):
            shelf.drop(self.key, name, image.digest)

    # ── control plane: lifecycle ──

    def passed(self, shelf: Shelf) -> None:
        """Each policy expires what it selects, as Amazon ECR does within a day."""
        now = self.clock.date()
        for name, said in self.repositories.items():
            for image, _ in expiring(said["policy"], self._images(name, shelf), now) if "policy" in said else ():
                self._remove(name, image, image.tags, shelf)

    def put_lifecycle_policy(self, body: dict[str, Any], shelf: Shelf) -> dict[str, Any]:
        name, text = self._name(body.get("repositoryName")), body.get("lifecyclePolicyText")
        _policy(text)
        self.repositories[name] |= {"policy": text}
        self.kept.save()
        return {**_of(name), "lifecyclePolicyText": text}

    def get_lifecycle_policy(self, body: dict[str, Any], shelf: Shelf) -> dict[str, Any]:
        name = self._name(body.get("repositoryName"))
        return {**_of(name), "lifecyclePolicyText": self._kept_policy(name)}

    def start_lifecycle_policy_preview(self, body: dict[str, Any], shelf: Shelf) -> dict[str, Any]:
        name = self._name(body.get("repositoryName"))
        text = body.get("lifecyclePolicyText", self.repositories[name].get("policy"))
        if text is None:
            raise _no_policy(name)
        _policy(text)
        self.repositories[name] |= {"preview": text}
        self.kept.save()
        return {**_of(name), "lifecyclePolicyText": text, "status": "IN_PROGRESS"}

    def get_lifecycle_policy_preview(self, body: dict[str, Any], shelf: Shelf) -> dict[str, Any]:
        name = self._name(body.get("repositoryName"))
        text = self.repositories[name].get("preview")
        if text is None:
            told = f"There is no lifecycle policy preview for the repository with name '{name}'"
            raise Refused("LifecyclePolicyPreviewNotFoundException", told)
        found = [
            {
                "imageTags": list(image.tags),
                "imageDigest": image.digest,
                "imagePushedAt": round(image.pushed, 3),
                "action": {"type": "EXPIRE"},
                "appliedRulePriority": priority,
            }
            for image, priority in expiring(text, self._images(name, shelf), self.clock.date())
        ]
        told = _page(body, "previewResults", found)
        summary = {"expiringImageTotalCount": len(found)}
        return {**_of(name), "lifecyclePolicyText": text, "status": "COMPLETE", **told, "summary": summary}

    def _kept_policy(self, name: str) -> str:
        if "policy" not in self.repositories[name]:
            raise _no_policy(name)
        return str(self.repositories[name]["policy"])


OPERATIONS = {
    "GetAuthorizationToken": Ecr.get_authorization_token,
    "CreateRepository": Ecr.create_repository,
    "DescribeRepositories": Ecr.describe_repositories,
    "DeleteRepository": Ecr.delete_repository,
    "PutImageTagMutability": Ecr.put_image_tag_mutability,
    "DescribeImages": Ecr.describe_images,
    "ListImages": Ecr.list_images,
    "BatchGetImage": Ecr.batch_get_image,
    "BatchDeleteImage": Ecr.batch_delete_image,
    "PutLifecyclePolicy": Ecr.put_lifecycle_policy,
    "GetLifecyclePolicy": Ecr.get_lifecycle_policy,
    "StartLifecyclePolicyPreview": Ecr.start_lifecycle_policy_preview,
    "GetLifecyclePolicyPreview": Ecr.get_lifecycle_policy_preview,
}


def _is_name(name: str) -> bool:
    # As long as the store takes one, below the registry's own folder.
    return bool(NAME.fullmatch(name)) and is_repository(name) and 2 <= len(name) <= LONGEST_NAME - len("ecr/")


def _none(name: str) -> str:
    return f"The repository with name '{name}' does not exist in the registry with id '{ACCOUNT}'"


def _invalid(parameter: str, constraint: str) -> Refused:
    told = f"Invalid parameter at '{parameter}' failed to satisfy constraint: '{constraint}'"
    return Refused("InvalidParameterException", told)


def _no_policy(name: str) -> Refused:
    told = f"Lifecycle policy does not exist for the repository with name '{name}' in the registry with id '{ACCOUNT}'"
    return Refused("LifecyclePolicyNotFoundException", told)


def _policy(text: Any) -> None:
    """Raises Refused for what is no lifecycle policy."""
    try:
        rules(text)
    except ValueError as odd:
        raise Refused("InvalidParameterException", f"Invalid parameter at 'LifecyclePolicyText': {odd}") from odd


def _mutability(value: Any) -> str:
    if value not in MUTABILITIES:
        raise _invalid("imageTagMutability", f"must be one of {', '.join(MUTABILITIES)}")
    return str(value)


def _of(name: str) -> dict[str, Any]:
    return {"registryId": ACCOUNT, "repositoryName": name}


def _list(value: Any, parameter: str) -> list[Any]:
    if not isinstance(value, list) or not 0 < len(value) <= PAGE:
        raise _invalid(parameter, f"Member must have length between 1 and {PAGE}")
    return value


def _ids(body: dict[str, Any]) -> list[dict[str, str]]:
    """The images that are asked for, by tag or digest, and nothing else. Raises Refused."""
    found = _list(body.get("imageIds"), "imageIds")
    forms = {"imageTag": TAG.fullmatch, "imageDigest": is_digest}
    for one in found:
        if not isinstance(one, dict) or not one or not set(one) <= set(forms):
            raise _invalid("imageIds", "each has an imageTag, an imageDigest, or both")
        if not all(isinstance(text, str) and forms[key](text) for key, text in one.items()):
            raise _invalid("imageIds", "an imageTag and an imageDigest have the form of one")
    return found


def _find(asked: dict[str, str], images: list[Image]) -> Image | None:
    for image in images:
        tag, digest = asked.get("imageTag"), asked.get("imageDigest")
        if (tag is None or tag in image.tags) and (digest is None or digest == image.digest):
            return image
    return None


def _missing(asked: dict[str, str]) -> dict[str, Any]:
    return {"imageId": asked, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"}


def _filtered(body: dict[str, Any], images: list[Image]) -> list[Image]:
    wanted = body["filter"].get("tagStatus", "ANY") if isinstance(body.get("filter"), dict) else "ANY"
    if wanted not in ("TAGGED", "UNTAGGED", "ANY"):
        raise _invalid("filter.tagStatus", "must be one of TAGGED, UNTAGGED, ANY")
    return [image for image in images if wanted == "ANY" or bool(image.tags) == (wanted == "TAGGED")]


def _page(body: dict[str, Any], field: str, found: list[Any]) -> dict[str, Any]:
    """A part of a list, and where the next one begins. Raises Refused."""
    most, token = body.get("maxResults", PAGE), body.get("nextToken", "0")
    if type(most) is not int or not 1 <= most <= 1000:
        raise _invalid("maxResults", "Member must be between 1 and 1000")
    if not isinstance(token, str) or not re.fullmatch("[0-9]{1,9}", token):
        raise _invalid("nextToken", "is none that was given")
    start = int(token)
    more = {"nextToken": str(start + most)} if len(found) > start + most else {}
    return {field: found[start : start + most], **more}


def _detail(name: str, image: Image, shelf: Shelf) -> dict[str, Any]:
    data = shelf.content(image.digest) or b""
    manifest = parse(data)
    config = manifest.get("config") if isinstance(manifest, dict) else None
    kind = config.get("mediaType") if isinstance(config, dict) else None
    return {
        **_of(name),
        "imageDigest": image.digest,
        **({"imageTags": list(image.tags)} if image.tags else {}),
        "imageSizeInBytes": _size(manifest, shelf),
        "imagePushedAt": round(image.pushed, 3),
        "imageManifestMediaType": _media(data),
        **({"artifactMediaType": kind} if isinstance(kind, str) else {}),
    }


def _media(data: bytes) -> str:
    manifest = parse(data)
    told = manifest.get("mediaType") if isinstance(manifest, dict) else None
    if isinstance(told, str):
        return told
    listed = isinstance(manifest, dict) and "manifests" in manifest
    return f"application/vnd.oci.image.{'index' if listed else 'manifest'}.v1+json"


def _size(manifest: Any, shelf: Shelf, depth: int = 2) -> int:
    """The bytes of an image's parts as they lie in the store; of an index the size of its largest image."""
    listed = manifest.get("manifests") if isinstance(manifest, dict) else None
    if isinstance(listed, list):
        named = [one.get("digest") for one in listed[:PAGE] if isinstance(one, dict)] if depth else []
        inner = [shelf.content(digest) for digest in named if is_digest(digest)]
        return max((_size(parse(data), shelf, depth - 1) for data in inner if data), default=0)
    return sum(shelf.size(digest) for digest in parts_of(manifest))
