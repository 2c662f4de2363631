"""Azure Container Registry's stand-in: refresh tokens of three hours, service principals, locks, and the part of its API that
`az acr` asks.

Read in Azure/acr, docs/AAD-OAuth.md (exchange, token), Azure/azure-cli, command_modules/acr (paths, the nil GUID), and
Microsoft's articles on authentication, locks and failed pushes.
"""

import re
import secrets
import uuid
from collections.abc import Iterable
from typing import Any

from .base import (
    A_REAL_ONE,
    FEWER_RIGHTS,
    LOCKED,
    NOT_SIGNED_IN,
    SERVICE_KEY,
    SHORT_LIVED,
    Account,
    Asked,
    Flavour,
    Refusal,
    View,
    looks_real,
    marked,
)
from .passes import ends_of, given
from .routes import Call, Reply, Routes, table

NIL = "00000000-0000-0000-0000-000000000000"
"""The user name that says: the password is a refresh token."""

ENTRA = "access-token-of-the-az-stand-in"
"""What the lab's `az` shows in place of an access token of Microsoft Entra: nobody signs in to Azure here."""

HOST = "myregistry.azurecr.io"
VISIT = "authentication required, visit https://aka.ms/acr/authorization for more information."
DISALLOWED = (
    "The operation is disallowed on this registry, repository or image. View troubleshooting steps at "
    "https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation"
)
HOURS = 3 * 3600
YEAR = 365 * 86400
MOST = 200
"""Principals, locks."""

PREFIX = "acr-lab-"
"""Begins a refresh token: no real one looks like it."""

ROLES = {"acrpull": {"pull"}, "acrpush": {"pull", "push"}, "owner": {"pull", "push", "delete"}}
ATTRIBUTES = ("deleteEnabled", "listEnabled", "readEnabled", "writeEnabled")
LOCKS = {"deleteEnabled", "readEnabled", "writeEnabled"}
"""The attributes that can be changed here. To hide an image from lists is not among them."""

STOPS = {"pull": {"readEnabled"}, "push": {"writeEnabled"}, "delete": {"deleteEnabled", "writeEnabled"}}
"""What stops an action where it is off."""

PRINCIPAL = re.compile(r"[\w.-]{1,64}")


def refused(status: int, code: str, message: str, detail: Any = None) -> Reply:
    told = {"code": code, "message": message}
    return Reply(status, {"errors": [told if detail is None else {**told, "detail": detail}]})


UNAUTHORIZED = refused(401, "UNAUTHORIZED", VISIT)


class Acr(Flavour):
    """One registry, `myregistry`, whose admin user is off."""

    realm = f"https://{HOST}/oauth2/token"
    service = HOST
    token_path = "/oauth2/token"  # noqa: S105
    takes_basic = True
    refreshes = NIL
    lifetime = 4500
    longest = HOURS
    lists = True
    routes = Routes(tops=("/oauth2", "/acr/v1", "/lab"))
    unsigned = Refusal(401, "UNAUTHORIZED", VISIT)

    @property
    def principals(self) -> dict[str, Any]:
        """Service principals by their appId."""
        return self.kept.table("principals")

    @property
    def locks(self) -> dict[str, Any]:
        """What is switched off, by REPOSITORY, REPOSITORY:TAG or REPOSITORY@DIGEST."""
        return self.kept.table("locks")

    # ── sign-in ──

    def accounts(self) -> Iterable[Account]:
        """Not the lesson's: nobody signs in to a registry of Azure's with a password of their own."""
        for name, said in self.principals.items():
            yield Account(name, said["mark"], SERVICE_KEY, said["ends"])

    def opened(self, name: str, secret: str) -> Iterable[Account]:
        if name != NIL:
            return super().opened(name, secret)
        ends = ends_of(self.kept.key(), PREFIX, secret)
        return () if ends is None else (Account(NIL, "", SHORT_LIVED, ends),)

    def unknown(self, named: bool) -> Refusal:
        return Refusal(401, "UNAUTHORIZED", VISIT, super().unknown(named).reason)

    # ── rights ──

    def allowed(self, user: str | None, view: View) -> set[str]:
        if user == NIL:
            return set(ROLES["owner"])
        return set(ROLES[self.principals[user]["role"]]) if user in self.principals else set()

    def withheld(self, wanted: set[str], account: Account | None, view: View) -> Refusal | None:
        """Where nothing of it may be done no token is given; else one for what may be."""
        user = account.name if account else None
        if self.granted(wanted, user, view):
            return None
        action = "push" if "push" in wanted else "pull"
        return self.denied(Asked(view, action, "manifests", "", user))

    def denied(self, asked: Asked) -> Refusal:
        detail = [{"Type": "repository", "Name": asked.view.name, "Action": asked.action}]
        return Refusal(401, "UNAUTHORIZED", VISIT, self.why(asked), "", detail)

    def why(self, asked: Asked) -> str:
        if asked.action in self.allowed(asked.user, asked.view):
            return ""
        return NOT_SIGNED_IN if asked.user is None else FEWER_RIGHTS

    def missing(self, asked: Asked) -> Refusal:
        named = asked.rest if ":" in asked.rest else f'tagged by "{asked.rest}"'
        return Refusal(404, "MANIFEST_UNKNOWN", f"manifest {named} is not found")

    def forbids(self, asked: Asked) -> Refusal | None:
        if not self.locks or asked.kind not in ("manifests", "blobs"):
            return None
        if any(
            self.locks.get(place, {}).get(name) is False
            for place in self._touched(asked)
            for name in STOPS[asked.action]
        ):
            return Refusal(405, "REGISTRY_DISALLOWED_OPERATION", DISALLOWED, LOCKED)
        return None

    def _touched(self, asked: Asked) -> list[str]:
        """Where a lock would stop this: the repository, the tag, the manifest. A push over a tag moves the tag, and leaves the
        manifest that it led to. A layer goes with whatever in its repository may be made of it."""
        name = asked.view.name
        if asked.kind == "blobs":
            inside = [place for place in self.locks if place.startswith((f"{name}:", f"{name}@"))]
            return [name, *inside] if asked.action == "delete" else [name]
        tags = asked.view.tags
        if asked.rest in tags:
            manifest = [] if asked.action == "push" else [f"{name}@{tags[asked.rest]}"]
            return [name, f"{name}:{asked.rest}", *manifest]
        led = [f"{name}:{tag}" for tag, digest in tags.items() if digest == asked.rest and asked.action == "delete"]
        return [name, f"{name}@{asked.rest}", *led]

    # ── tokens ──

    @routes.on("POST", "/oauth2/exchange")
    def exchange(self, call: Call) -> Reply:
        """An access token of Microsoft Entra becomes a refresh token of the registry."""
        form = table(call.body)
        shown = str(form.get("access_token", ""))
        if looks_real(shown):
            return refused(401, "UNAUTHORIZED", A_REAL_ONE)
        if form.get("grant_type") != "access_token" or form.get("service") != HOST or shown != ENTRA:
            return UNAUTHORIZED
        return Reply(200, {"refresh_token": given(self.kept.key(), PREFIX, self.clock.date() + HOURS)})

    # ── what `az ad sp create-for-rbac` needs: no address of Azure's ──

    @routes.on("POST", "/lab/principals")
    def make_principal(self, call: Call) -> Reply:
        if call.user != NIL:
            return UNAUTHORIZED
        body = table(call.body)
        name, role = body.get("name"), str(body.get("role", "")).lower()
        if not isinstance(name, str) or not PRINCIPAL.fullmatch(name) or role not in ROLES:
            return refused(
                400, "BAD_REQUEST", f"a service principal has a name, and one of the roles {', '.join(ROLES)}"
            )
        known = [app for app, said in self.principals.items() if said["name"] == name]
        if not known and len(self.principals) >= MOST:
            return refused(403, "DENIED", "this stand-in keeps no more of them")
        app, secret = known[0] if known else str(uuid.uuid4()), f"sp-lab-{secrets.token_urlsafe(24)}"
        ends = self.clock.date() + YEAR
        self.principals[app] = {"name": name, "role": role, "mark": marked(secret), "ends": ends}
        self.kept.save()
        return Reply(200 if known else 201, {"appId": app, "displayName": name, "password": secret})

    @routes.on("GET", "/lab/principals")
    def list_principals(self, call: Call) -> Reply:
        if call.user != NIL:
            return UNAUTHORIZED
        return Reply(200, [{"appId": app, "displayName": said["name"]} for app, said in self.principals.items()])

    # ── images and locks ──

    @routes.on("GET", "/acr/v1/_catalog")
    def catalog(self, call: Call) -> Reply:
        if call.user is None:
            return refused(401, "UNAUTHORIZED", VISIT, [{"Type": "registry", "Name": "catalog", "Action": "*"}])
        return Reply(200, {"registry": HOST, "repositories": list(call.shelf.repositories(self.key))})

    @routes.on("GET", "/acr/v1/{name*}/_tags/{tag}")
    @routes.on("PATCH", "/acr/v1/{name*}/_tags/{tag}")
    def tag(self, call: Call) -> Reply:
        name, tag = call.parts["name"], call.parts["tag"]
        tags, reply = self._tags(call)
        if reply:
            return reply
        if tag not in tags:
            return refused(404, "TAG_UNKNOWN", "the specified tag does not exist", {"name": tag})
        return self._changed(call, f"{name}:{tag}") or Reply(
            200, {**self._named(name), "tag": self._tag(name, tag, tags)}
        )

    @routes.on("GET", "/acr/v1/{name*}/_tags")
    def list_tags(self, call: Call) -> Reply:
        tags, reply = self._tags(call)
        name = call.parts["name"]
        return reply or Reply(200, {**self._named(name), "tags": [self._tag(name, tag, tags) for tag in tags]})

    @routes.on("GET", "/acr/v1/{name*}/_manifests/{digest}")
    @routes.on("PATCH", "/acr/v1/{name*}/_manifests/{digest}")
    def manifest(self, call: Call) -> Reply:
        name, digest = call.parts["name"], call.parts["digest"]
        tags, reply = self._tags(call)
        if reply:
            return reply
        if digest not in tags.values():
            return refused(404, "MANIFEST_UNKNOWN", f"manifest sha {digest} is not found")
        return self._changed(call, f"{name}@{digest}") or Reply(
            200, {**self._named(name), "manifest": self._manifest(name, digest, tags)}
        )

    @routes.on("GET", "/acr/v1/{name*}/_manifests")
    def list_manifests(self, call: Call) -> Reply:
        tags, reply = self._tags(call)
        name = call.parts["name"]
        told = [self._manifest(name, digest, tags) for digest in dict.fromkeys(tags.values())]
        return reply or Reply(200, {**self._named(name), "manifests": told})

    @routes.on("GET", "/acr/v1/{name*}")
    @routes.on("PATCH", "/acr/v1/{name*}")
    def repository(self, call: Call) -> Reply:
        tags, reply = self._tags(call)
        name = call.parts["name"]
        counted = {"manifestCount": len({*tags.values()}), "tagCount": len(tags)}
        return (
            reply
            or self._changed(call, name)
            or Reply(200, {**self._named(name), **counted, "changeableAttributes": self._attributes(name)})
        )

    def _tags(self, call: Call) -> tuple[dict[str, str], Reply | None]:
        """The tags of the repository that the path names, or why they are not told, or not to be changed."""
        name, change = call.parts["name"], call.method == "PATCH"
        view = View(call.shelf, self.key, name)
        if ("push" if change else "pull") not in self.allowed(call.user, view):
            action = "metadata_write" if change else "metadata_read"
            return {}, refused(401, "UNAUTHORIZED", VISIT, [{"Type": "repository", "Name": name, "Action": action}])
        tags = call.shelf.repositories(self.key).get(name)
        if tags is None:
            return {}, refused(404, "NAME_UNKNOWN", f'repository "{name}" is not found', {"name": name})
        return tags, None

    def _changed(self, call: Call, place: str) -> Reply | None:
        """Sets the attributes that a PATCH names. Returns why not."""
        if call.method != "PATCH":
            return None
        body = table(call.body)
        if not body or any(name not in LOCKS or type(value) is not bool for name, value in body.items()):
            return refused(
                400, "BAD_REQUEST", f"this stand-in changes {', '.join(sorted(LOCKS))}, each to true or false"
            )
        if place not in self.locks and len(self.locks) >= MOST:
            return refused(403, "DENIED", "this stand-in keeps no more of them")
        self.locks[place] = {**self.locks.get(place, {}), **body}
        if all(self.locks[place].values()):
            del self.locks[place]
        self.kept.save()
        return None

    def _named(self, name: str) -> dict[str, str]:
        return {"registry": HOST, "imageName": name}

    def _attributes(self, place: str) -> dict[str, bool]:
        return {**dict.fromkeys(ATTRIBUTES, True), **self.locks.get(place, {})}

    def _tag(self, name: str, tag: str, tags: dict[str, str]) -> dict[str, Any]:
        return {"name": tag, "digest": tags[tag], "changeableAttributes": self._attributes(f"{name}:{tag}")}

    def _manifest(self, name: str, digest: str, tags: dict[str, str]) -> dict[str, Any]:
        held = [tag for tag, led in tags.items() if led == digest]
        return {"digest": digest, "tags": held, "changeableAttributes": self._attributes(f"{name}@{digest}")}
