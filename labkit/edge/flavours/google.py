"""Artifact Registry's stand-in, and gcr.io, whose names it serves: access tokens of an hour, keys of service accounts that the
lab made, repositories that must exist, immutable tags.

Read in Google's documentation (authentication for Docker, repositories' REST reference v1) and in the reports of users that
docs/flavours.md names, word by word.
"""

import json
import re
import secrets
import time
from collections.abc import Iterable
from typing import Any, ClassVar

from .base import (
    FOREIGN,
    IMMUTABLE,
    NO_NAMESPACE,
    NO_REPOSITORY,
    NOT_SIGNED_IN,
    SERVICE_KEY,
    SHORT_LIVED,
    Account,
    Asked,
    Flavour,
    Refusal,
    View,
    marked,
    out_of_base64,
)
from .passes import ends_of, given
from .routes import Call, Reply, Routes, table

PROJECT, LOCATION = "my-project", "europe-west1"
"""All that there is of Google Cloud in the lab."""

TOKEN, KEY, ENCODED = "oauth2accesstoken", "_json_key", "_json_key_base64"
"""User names that say what the password is."""

HELPER = "_dcgcloud_token"
"""The same as TOKEN, as gcloud's credential helper says it."""

NAME = re.compile(r"[a-z][a-z0-9-]{0,61}[a-z0-9]")
PERMISSIONS = {"pull": "downloadArtifacts", "push": "uploadArtifacts", "delete": "deleteArtifacts"}
HOUR = 3600
MOST = 200
"""Keys, repositories."""

PREFIX = "gcloud-lab-"
"""Begins an access token: no real one looks like it."""


def refused(status: int, state: str, message: str) -> Reply:
    return Reply(status, {"error": {"code": status, "message": message, "status": state}})


class Google(Flavour):
    token_path = "/v2/token"  # noqa: S105
    lifetime = HOUR
    longest = HOUR

    @property
    def keys(self) -> dict[str, Any]:
        """Keys of service accounts: whose each is, by its mark."""
        return self.kept.table("keys")

    @property
    def repositories(self) -> dict[str, Any]:
        return self.kept.table("repositories")

    # ── sign-in ──

    def accounts(self) -> Iterable[Account]:
        """Nobody signs in here with a password of their own."""
        for mark in self.keys:
            yield Account(KEY, mark, SERVICE_KEY)
            yield Account(ENCODED, mark, SERVICE_KEY)

    def opened(self, name: str, secret: str) -> Iterable[Account]:
        """A key file is known by the key in it."""
        if name in (TOKEN, HELPER):
            ends = ends_of(self.kept.key(), PREFIX, secret)
            return () if ends is None else (Account(name, "", SHORT_LIVED, ends),)
        return super().opened(name, _key_of(out_of_base64(secret) if name == ENCODED else secret))

    def unknown(self, named: bool) -> Refusal:
        return Refusal(401, "UNAUTHORIZED", "authentication failed", super().unknown(named).reason)

    # ── rights ──

    def place(self, name: str) -> tuple[str, str, str]:
        """The project, location and repository that a name is in."""
        raise NotImplementedError

    def is_there(self, project: str, repository: str) -> bool:
        raise NotImplementedError

    def allowed(self, user: str | None, view: View) -> set[str]:
        project, _, repository = self.place(view.name)
        return set(PERMISSIONS) if user is not None and self.is_there(project, repository) else set()

    def withheld(self, wanted: set[str], account: Account | None, view: View) -> Refusal | None:
        """As gcr.io's /v2/token does, which refuses with the words (google/ax, issue 140). It looks at rights alone: that a
        repository is not there its owner is told by the registry."""
        if refusal := self.misnamed(view.name):
            return refusal
        if account and self.place(view.name)[0] == PROJECT:
            return None
        user = account.name if account else None
        return self._without("push" if not wanted.isdisjoint({"push", "*"}) else "pull", user, view)

    def denied(self, asked: Asked) -> Refusal:
        if not asked.signed:
            return super().denied(asked)
        if asked.action in self.allowed(asked.user, asked.view):
            return Refusal(401, "UNAUTHORIZED", "authentication required", "", "insufficient_scope")
        return self._without(asked.action, asked.user, asked.view)

    def _without(self, action: str, user: str | None, view: View) -> Refusal:
        project, location, repository = self.place(view.name)
        permission = f'"artifactregistry.repositories.{PERMISSIONS[action]}"'
        resource = (
            f'on resource "projects/{project}/locations/{location}/repositories/{repository}" (or it may not exist)'
        )
        if user is None:
            told = f"Unauthenticated request. Unauthenticated requests do not have permission {permission} {resource}"
            return Refusal(403, "DENIED", told, NOT_SIGNED_IN)
        if project == PROJECT:
            return Refusal(404, "NAME_UNKNOWN", f'Repository "{repository}" not found', NO_REPOSITORY)
        return Refusal(403, "DENIED", f"Permission {permission} denied {resource}", FOREIGN)

    def missing(self, asked: Asked) -> Refusal:
        return Refusal(404, "MANIFEST_UNKNOWN", f'Failed to fetch "{asked.rest}"')

    def why(self, asked: Asked) -> str:
        return "" if asked.action in self.allowed(asked.user, asked.view) else NOT_SIGNED_IN


class Artifact(Google):
    """HOST/PROJECT/REPOSITORY/IMAGE"""

    realm = "https://europe-west1-docker.pkg.dev/v2/token"
    service = "europe-west1-docker.pkg.dev"
    routes: ClassVar[Routes] = Routes(tops=("/v1", "/lab"))

    def place(self, name: str) -> tuple[str, str, str]:
        project, _, rest = name.partition("/")
        return project, LOCATION, rest.partition("/")[0]

    def is_there(self, project: str, repository: str) -> bool:
        return project == PROJECT and repository in self.repositories

    def misnamed(self, name: str) -> Refusal | None:
        if name.count("/") >= 2:
            return None
        told = "Missing image name. Pushes should be of the form docker push HOST-NAME/PROJECT-ID/REPOSITORY/IMAGE"
        return Refusal(400, "NAME_INVALID", told, NO_NAMESPACE)

    def forbids(self, asked: Asked) -> Refusal | None:
        if asked.action != "push" or asked.kind != "manifests" or asked.rest not in asked.view.tags:
            return None
        if not self.repositories[self.place(asked.view.name)[2]]["immutable"]:
            return None
        told = f"cannot update tag {asked.rest}. The repository has enabled tag immutability"
        return Refusal(400, "MANIFEST_INVALID", told, IMMUTABLE)

    # ── what the lab's gcloud needs: no address of Google's ──

    @routes.on("POST", "/lab/token")
    def make_token(self, call: Call) -> Reply:
        """Whoever has the lab's gcloud is signed in: there is no account to sign in with."""
        token = given(self.kept.key(), PREFIX, self.clock.date() + HOUR)
        return Reply(200, {"access_token": token, "expires_in": HOUR})

    @routes.on("POST", "/lab/keys")
    def make_key(self, call: Call) -> Reply:
        """A key file of a service account, in the form of Google's; the key in it is none."""
        account = table(call.body).get("account")
        if call.user is None:
            return refused(401, "UNAUTHENTICATED", "Request is missing required authentication credential.")
        if not isinstance(account, str) or not re.fullmatch(
            rf"[a-z][a-z0-9-]{{4,28}}[a-z0-9]@{PROJECT}\.iam\.gserviceaccount\.com", account
        ):
            return refused(400, "INVALID_ARGUMENT", f"a service account is NAME@{PROJECT}.iam.gserviceaccount.com")
        if len(self.keys) >= MOST:
            return refused(429, "RESOURCE_EXHAUSTED", "this stand-in keeps no more of them")
        secret = f"no-real-key-but-one-of-the-lab-{secrets.token_urlsafe(24)}"
        self.keys[marked(secret)] = account
        self.kept.save()
        told = {"type": "service_account", "project_id": PROJECT, "private_key_id": secrets.token_hex(20)}
        return Reply(201, {**told, "private_key": secret, "client_email": account})

    # ── REST v1: repositories and images ──

    @routes.on("GET", "/v1/projects/{project}/locations/{location}/repositories")
    def list_repositories(self, call: Call) -> Reply:
        return self._amiss(call) or Reply(200, {"repositories": [self._told(name) for name in self.repositories]})

    @routes.on("POST", "/v1/projects/{project}/locations/{location}/repositories")
    def make_repository(self, call: Call) -> Reply:
        if reply := self._amiss(call):
            return reply
        name, body = call.query.get("repositoryId", ""), table(call.body)
        if not NAME.fullmatch(name) or body.get("format") != "DOCKER":
            return refused(400, "INVALID_ARGUMENT", "a repository has a name of small letters, and the format DOCKER")
        if name in self.repositories:
            return refused(409, "ALREADY_EXISTS", "the repository already exists")
        if len(self.repositories) >= MOST:
            return refused(429, "RESOURCE_EXHAUSTED", "this stand-in keeps no more of them")
        self.repositories[name] = {
            "immutable": table(body.get("dockerConfig")).get("immutableTags") is True,
            "description": str(body.get("description", ""))[:200],
            "made": self.clock.date(),
        }
        self.kept.save()
        return Reply(200, {"done": True, "response": self._told(name)})

    @routes.on("GET", "/v1/projects/{project}/locations/{location}/repositories/{name}")
    @routes.on("PATCH", "/v1/projects/{project}/locations/{location}/repositories/{name}")
    def repository(self, call: Call) -> Reply:
        name = call.parts["name"]
        if reply := self._amiss(call, name):
            return reply
        if call.method == "PATCH":
            fixed = table(table(call.body).get("dockerConfig")).get("immutableTags")
            if type(fixed) is not bool:
                return refused(400, "INVALID_ARGUMENT", "the body has dockerConfig.immutableTags, true or false")
            self.repositories[name]["immutable"] = fixed
            self.kept.save()
        return Reply(200, self._told(name))

    @routes.on("GET", "/v1/projects/{project}/locations/{location}/repositories/{name}/dockerImages")
    def list_images(self, call: Call) -> Reply:
        name = call.parts["name"]
        if reply := self._amiss(call, name):
            return reply
        found = []
        for whole, tags in call.shelf.repositories(self.key).items():
            if whole.startswith(f"{PROJECT}/{name}/"):
                for digest in dict.fromkeys(tags.values()):
                    held = [tag for tag, led in tags.items() if led == digest]
                    found.append({"uri": f"{self.service}/{whole}@{digest}", "tags": held})
        return Reply(200, {"dockerImages": found})

    def _amiss(self, call: Call, name: str | None = None) -> Reply | None:
        project, location = call.parts["project"], call.parts["location"]
        where = f"projects/{project}/locations/{location}/repositories"
        if call.user is None:
            return refused(401, "UNAUTHENTICATED", "Request is missing required authentication credential.")
        if project != PROJECT or location != LOCATION:
            told = f"this stand-in has the project {PROJECT} and the location {LOCATION}, not {where}"
            return refused(403, "PERMISSION_DENIED", told)
        if name is not None and name not in self.repositories:
            return refused(404, "NOT_FOUND", "Requested entity was not found.")
        return None

    def _told(self, name: str) -> dict[str, Any]:
        said = self.repositories[name]
        return {
            "name": f"projects/{PROJECT}/locations/{LOCATION}/repositories/{name}",
            "format": "DOCKER",
            "mode": "STANDARD_REPOSITORY",
            "description": said["description"],
            "createTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(said["made"])),
            "dockerConfig": {"immutableTags": said["immutable"]},
        }


class Gcr(Google):
    """gcr.io/PROJECT/IMAGE, which Artifact Registry serves from the repository gcr.io in the location us."""

    realm = "https://gcr.io/v2/token"
    service = "gcr.io"

    def place(self, name: str) -> tuple[str, str, str]:
        return name.partition("/")[0], "us", "gcr.io"

    def is_there(self, project: str, repository: str) -> bool:
        return project == PROJECT


def _key_of(file: str) -> str:
    """The key in a key file, "" for none."""
    try:
        key = table(json.loads(file)).get("private_key")
    except (ValueError, RecursionError):
        return ""
    return key if isinstance(key, str) else ""
