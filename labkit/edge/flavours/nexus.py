"""Nexus Repository 3's stand-in, as its Community edition is: one port a repository (connector), and the part of its REST API
that Docker's repositories need. Three registries: the server at 8081, and the two connectors that the lab has.

Where each behaviour was read: docs/flavours.md.
"""

import copy
from typing import Any, ClassVar

from ..shelf import Shelf
from .base import NOT_SIGNED_IN, UNSUPPORTED, Asked, Flavour, Refusal, View
from .routes import Call, Reply, Routes, table

REDEPLOY, GROUP = "immutable", UNSUPPORTED

ADMIN = "admin"

BEARER = "DockerToken"
"""The Docker Bearer Token Realm."""

REALMS = {
    "NexusAuthenticatingRealm": "Local Authenticating Realm",
    "NexusAuthorizingRealm": "Local Authorizing Realm",
    BEARER: "Docker Bearer Token Realm",
}
ACTIVE = ["NexusAuthenticatingRealm"]
"""The realms of a Nexus that is new."""

HOSTED, PROXY, GROUPED = "docker-hosted", "docker-proxy", "docker-group"
"""The repositories that the lab's Nexus has from the beginning."""

HOLDERS = {HOSTED: "nexus-hosted", PROXY: "hub"}
"""Where what they hold lies on the shelf. The proxy's remote is Docker Hub's stand-in."""

STORAGE = {"blobStoreName": "default", "strictContentTypeValidation": True}
BRINGS: dict[str, dict[str, Any]] = {
    HOSTED: {
        "type": "hosted",
        "online": True,
        "storage": {**STORAGE, "writePolicy": "allow", "latestPolicy": False},
        "docker": {"v1Enabled": False, "forceBasicAuth": False, "httpPort": 8082},
    },
    PROXY: {
        "type": "proxy",
        "online": True,
        "storage": STORAGE,
        "proxy": {"remoteUrl": "https://registry-1.docker.io"},
        "docker": {"v1Enabled": False, "forceBasicAuth": False, "httpPort": None},
    },
    GROUPED: {
        "type": "group",
        "online": True,
        "storage": STORAGE,
        "group": {"memberNames": [HOSTED, PROXY]},
        "docker": {"v1Enabled": False, "forceBasicAuth": False, "httpPort": 8083},
    },
}
POLICIES = ("allow", "allow_once", "deny")
MOST = 100
"""Repositories that are kept."""

PORTS = (8082, 8083)
"""The connectors' ports that this stand-in has."""

NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")
"""The letters of a repository's name; the first is neither _ nor a full stop."""

UNAUTHORIZED, FORBIDDEN = Reply(401), Reply(403)


class _Part(Flavour):
    """What the server and its connectors share: they keep it together."""

    takes_basic = True

    @property
    def repositories(self) -> dict[str, dict[str, Any]]:
        return {**BRINGS, **self.kept.table("repositories")} if self.kept.said else BRINGS

    @property
    def realms(self) -> list[str]:
        found = self.kept.said.get("realms", ACTIVE)
        return list(found) if isinstance(found, list) else ACTIVE


class Connector(_Part):
    """A port with a repository of its own: who signs in at one has not signed in at the other, as docker keeps HOST:PORT."""

    repository: ClassVar[str]
    token_path = "/v2/token"  # noqa: S105
    read = "signed-in"
    unsigned = Refusal(401, "UNAUTHORIZED", "access to the requested resource is not authorized")

    @property
    def settings(self) -> dict[str, Any]:
        return self.repositories[self.repository]

    def challenge(self, scope: str = "", problem: str = "", sent: str = "") -> str:
        """Bearer needs both: the realm, and a repository that does not force Basic."""
        if BEARER not in self.realms or self.settings["docker"]["forceBasicAuth"]:
            return 'BASIC realm="Sonatype Nexus Repository Manager"'
        return super().challenge(scope, problem)

    def unknown(self, named: bool) -> Refusal:
        return Refusal(401, "UNAUTHORIZED", self.unsigned.message, super().unknown(named).reason)

    def denied(self, asked: Asked) -> Refusal:
        return Refusal(401, "UNAUTHORIZED", self.unsigned.message, self.why(asked))

    def why(self, asked: Asked) -> str:
        return NOT_SIGNED_IN if asked.user is None else ""


class NexusHosted(Connector):
    repository = HOSTED
    realm = service = "https://nexus.lab:8082/v2/token"
    write = delete = "signed-in"
    lists = True

    def forbids(self, asked: Asked) -> Refusal | None:
        """A deployment policy that does not let an asset change, or none be added."""
        if asked.kind != "manifests" or asked.action != "push":
            return None
        storage = self.settings["storage"]
        policy, tag = storage["writePolicy"], asked.rest
        if policy == "deny":
            return _invalid(f"Repository is read only: {self.repository}")
        free = tag == "latest" and storage.get("latestPolicy")
        if policy == "allow_once" and tag in asked.view.tags and not free:
            return _invalid(f"Repository does not allow updating assets: {self.repository}")
        return None


class NexusGroup(Connector):
    """Its members' images, in their order. Pushes to a group are Pro's."""

    repository = GROUPED
    realm = service = "https://nexus.lab:8083/v2/token"

    def holder(self, shelf: Shelf, name: str, kind: str = "", rest: str = "") -> str:
        keys = [HOLDERS[member] for member in self.settings["group"]["memberNames"] if member in HOLDERS]
        has = {"manifests": _has_manifest, "referrers": _has_manifest, "blobs": _has_blob}.get(kind, _has_tags)
        return next((key for key in keys if has(shelf, key, name, rest)), self.key)

    def allowed(self, user: str | None, view: View) -> set[str]:
        return set() if user is None else {"pull"}

    def denied(self, asked: Asked) -> Refusal:
        if asked.user is None or asked.action == "pull":
            return super().denied(asked)
        told = "Deploying to groups is a PRO-licensed feature. See https://links.sonatype.com/product-nexus-repository"
        return Refusal(403, "DENIED", told, GROUP)


def _invalid(detail: str) -> Refusal:
    return Refusal(400, "BLOB_UPLOAD_INVALID", "blob upload invalid", REDEPLOY, detail=detail)


def _has_manifest(shelf: Shelf, key: str, name: str, rest: str) -> bool:
    return shelf.has_manifest(key, name, rest) if ":" in rest else rest in shelf.tags(key, name)


def _has_blob(shelf: Shelf, key: str, name: str, rest: str) -> bool:
    return shelf.layer(key, name, rest) is not None


def _has_tags(shelf: Shelf, key: str, name: str, _: str) -> bool:
    return shelf.exists(key, name)


class Nexus(_Part):
    """The server: its REST API, and no images. `docker login nexus.lab:8081` is the wrong port."""

    realm = service = "https://nexus.lab:8081"
    serves = False
    routes = Routes("/service/rest")

    # ── REST: repositories ──

    @routes.on("GET", "/v1/repositories")
    def list_repositories(self, call: Call) -> Reply:
        if call.user is None:
            return UNAUTHORIZED
        found = sorted(self.repositories.items())
        return Reply(
            200,
            [
                {
                    "name": name,
                    "format": "docker",
                    "type": said["type"],
                    "url": f"https://nexus.lab:8081/repository/{name}",
                    "attributes": {"proxy": said["proxy"]} if "proxy" in said else {},
                }
                for name, said in found
            ],
        )

    @routes.on("GET", "/v1/repositories/docker/{type}/{name}")
    def tell_repository(self, call: Call) -> Reply:
        return self._refused(call) or Reply(200, _told(call.parts["name"], self.repositories[call.parts["name"]]))

    @routes.on("POST", "/v1/repositories/docker/{type}")
    def make_repository(self, call: Call) -> Reply:
        if reply := _only_admin(call):
            return reply
        kind, body = call.parts["type"], table(call.body)
        name = body.get("name")
        if kind not in ("hosted", "proxy", "group"):
            return Reply(404)
        if not isinstance(name, str) or not 0 < len(name) <= 200 or not NAME.issuperset(name) or name[0] in "_.":
            return _wrong("name", "Only letters, digits, underscores(_), hyphens(-), and dots(.) are allowed")
        if name.lower() in {known.lower() for known in self.repositories}:
            return _wrong("name", "Name is already used, must be unique (ignoring case)")
        if len(self.repositories) >= MOST:
            return _wrong("*", "this stand-in keeps no more repositories")
        return self._set(name, kind, body, 201)

    @routes.on("PUT", "/v1/repositories/docker/{type}/{name}")
    def change_repository(self, call: Call) -> Reply:
        if reply := _only_admin(call) or self._refused(call):
            return reply
        body = table(call.body)
        return self._set(call.parts["name"], call.parts["type"], body, 204)

    @routes.on("DELETE", "/v1/repositories/{name}")
    def remove_repository(self, call: Call) -> Reply:
        if reply := _only_admin(call) or self._refused(call):
            return reply
        if call.parts["name"] in BRINGS:
            return _wrong("name", f"this stand-in keeps {call.parts['name']}, which comes with the lab")
        del self.kept.table("repositories")[call.parts["name"]]
        self.kept.save()
        return Reply(204)

    def _refused(self, call: Call) -> Reply | None:
        """Why nothing is told of the repository that the path names, None where it is there."""
        if call.user is None:
            return UNAUTHORIZED
        said = self.repositories.get(call.parts["name"])
        return None if said and call.parts.get("type", said["type"]) == said["type"] else Reply(404)

    def _set(self, name: str, kind: str, body: dict[str, Any], status: int) -> Reply:
        before = self.repositories.get(name)
        said = copy.deepcopy(before or {"type": kind, "online": True, **_empty(kind)})
        for part, values in said.items():
            if isinstance(values, dict) and isinstance(new := body.get(part), dict):
                values.update({key: new[key] for key in values if key in new})
        if wrong := self._odd(name, said):
            return wrong
        said["storage"].update({key: value.lower() for key, value in said["storage"].items() if key == "writePolicy"})
        self.kept.table("repositories")[name] = said
        self.kept.save()
        return Reply(status)

    def _odd(self, name: str, said: dict[str, Any]) -> Reply | None:
        """What is wrong with a repository as it is to be."""
        found = (self._odd_storage(said), self._odd_port(name, said["docker"]["httpPort"]), self._odd_members(said))
        return next((wrong for wrong in found if wrong), None)

    def _odd_storage(self, said: dict[str, Any]) -> Reply | None:
        storage, policy = said["storage"], said["storage"].get("writePolicy", "allow")
        if not isinstance(policy, str) or policy.lower() not in POLICIES:
            return _wrong("storage.writePolicy", f"one of {', '.join(POLICIES)}")
        if type(said["docker"]["forceBasicAuth"]) is not bool or type(storage.get("latestPolicy", False)) is not bool:
            return _wrong("docker", "must be true or false")
        return None

    def _odd_port(self, name: str, port: Any) -> Reply | None:
        """One port a repository."""
        others = {other["docker"]["httpPort"]: key for key, other in self.repositories.items() if key != name}
        if port is not None and (type(port) is not int or port not in PORTS):
            return _wrong("docker.httpPort", "this stand-in listens at the ports 8082 and 8083 only")
        if port is not None and port in others:
            return _wrong("docker.httpPort", f"Port is already in use by repository {others[port]}")
        if name in BRINGS and port != BRINGS[name]["docker"]["httpPort"]:
            return _wrong("docker.httpPort", f"this stand-in keeps the port of {name}, which comes with the lab")
        return None

    def _odd_members(self, said: dict[str, Any]) -> Reply | None:
        if "proxy" in said and said["proxy"]["remoteUrl"] != BRINGS[PROXY]["proxy"]["remoteUrl"]:
            return _wrong("proxy.remoteUrl", "this stand-in has no other remote than https://registry-1.docker.io")
        if "group" not in said:
            return None
        members = said["group"]["memberNames"]
        known = [key for key, other in self.repositories.items() if other["type"] != "group"]
        if not isinstance(members, list) or not 0 < len(members) <= MOST:
            return _wrong("group.memberNames", "must not be empty")
        if unknown := [member for member in members if member not in known]:
            return _wrong("group.memberNames", f"Member repository does not exist: {str(unknown[0])[:200]}")
        return None

    # ── REST: realms ──

    @routes.on("GET", "/v1/security/realms/available")
    def list_realms(self, call: Call) -> Reply:
        return _only_admin(call) or Reply(200, [{"id": key, "name": name} for key, name in REALMS.items()])

    @routes.on("GET", "/v1/security/realms/active")
    def list_active(self, call: Call) -> Reply:
        return _only_admin(call) or Reply(200, self.realms)

    @routes.on("PUT", "/v1/security/realms/active")
    def set_active(self, call: Call) -> Reply:
        if reply := _only_admin(call):
            return reply
        wanted = call.body
        if not isinstance(wanted, list) or not all(isinstance(one, str) and one in REALMS for one in wanted):
            return _wrong("*", f"the realms that this stand-in knows are {', '.join(REALMS)}")
        if ACTIVE[0] not in wanted:
            return _wrong("*", f"this stand-in needs {ACTIVE[0]}: nobody could sign in without it")
        self.kept.said["realms"] = list(dict.fromkeys(wanted))
        self.kept.save()
        return Reply(204)

    # ── REST: what was pushed ──

    @routes.on("GET", "/v1/components")
    def list_components(self, call: Call) -> Reply:
        """A component is a repository's tag. What a proxy holds, this stand-in does not tell."""
        if call.user is None:
            return UNAUTHORIZED
        name = call.query.get("repository", "")
        said = self.repositories.get(name)
        if not name:
            return Reply(422)
        if said is None:
            return Reply(404)
        if said["type"] == "proxy":
            return _wrong("repository", "this stand-in does not tell what a proxy holds")
        members = said["group"]["memberNames"] if "group" in said else [name]
        held = call.shelf.repositories(HOLDERS[HOSTED]) if HOSTED in members else {}
        items = [
            {
                "repository": HOSTED,
                "format": "docker",
                "group": None,
                "name": image,
                "version": tag,
                "assets": [{"path": f"v2/{image}/manifests/{tag}", "checksum": {"sha256": digest.partition(":")[2]}}],
            }
            for image, tags in held.items()
            for tag, digest in tags.items()
        ]
        return Reply(200, {"items": items, "continuationToken": None})

    @routes.on("GET", "/v1/status")
    def status(self, _: Call) -> Reply:
        return Reply(200)


def _empty(kind: str) -> dict[str, Any]:
    """What a repository of this kind has where nothing is said."""
    model = {"hosted": HOSTED, "proxy": PROXY, "group": GROUPED}[kind]
    found = copy.deepcopy({key: value for key, value in BRINGS[model].items() if key not in ("type", "online")})
    found["docker"].update(httpPort=None, forceBasicAuth=True)
    if kind == "group":
        found["group"]["memberNames"] = []
    return found


def _told(name: str, said: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "format": "docker", "url": f"https://nexus.lab:8081/repository/{name}", **said}


def _only_admin(call: Call) -> Reply | None:
    if call.user == ADMIN:
        return None
    return UNAUTHORIZED if call.user is None else FORBIDDEN


def _wrong(field: str, message: str) -> Reply:
    """As Nexus tells of what a request must not have: a list."""
    return Reply(400, [{"id": field, "message": message}])
