"""Harbor's stand-in: projects with members, robots, immutable tags, retention, quotas, and the part of its REST API (v2.0) that
these need.

Read in goharbor/harbor, below src: server/middleware/v2auth/auth.go (challenges, refusals), server/middleware/immutable,
server/middleware/artifactinfo, controller/project, lib/errors (a message is followed by its cause: both say the same here).
"""

from collections.abc import Iterable

from ..base import FOREIGN, IMMUTABLE, NO_NAMESPACE, NO_PROJECT, NOT_SIGNED_IN, ROBOT, Account, Asked, Refusal
from .book import ADMIN
from .immutable import Immutable
from .members import Members
from .quotas import Quotas
from .retention import Retention
from .robots import Robots


class Harbor(Quotas, Members, Robots, Immutable, Retention):
    realm = "https://harbor.lab/service/token"
    service = "harbor-registry"
    token_path = "/service/token"  # noqa: S105
    takes_basic = True
    lifetime = 1800
    longest = 1800
    lists = True

    # ── sign-in ──

    def accounts(self) -> Iterable[Account]:
        yield from super().accounts()
        for name, robot in self.robots.items():
            yield Account(name, robot["mark"], ROBOT, robot["ends"])

    def opened(self, name: str, secret: str) -> Iterable[Account]:
        disabled = name in self.robots and self.robots[name]["disabled"]
        return () if disabled else super().opened(name, secret)

    def unknown(self, named: bool) -> Refusal:
        return Refusal(401, "UNAUTHORIZED", "authentication required", super().unknown(named).reason)

    def challenge(self, scope: str = "", problem: str = "", sent: str = "") -> str:
        if sent or scope.startswith("registry:catalog"):
            return 'Basic realm="harbor"'
        return super().challenge(scope, problem)

    def may_list(self, user: str | None) -> bool:
        return user == ADMIN

    # ── refusals ──

    def misnamed(self, name: str) -> Refusal | None:
        if "/" in name:
            return None
        return Refusal(400, "BAD_REQUEST", f"bad request: invalid repository name: {name}", NO_NAMESPACE)

    def denied(self, asked: Asked) -> Refusal:
        name = asked.view.name
        project = name.partition("/")[0]
        if project not in self.projects:
            told, reason = f"project {project} not found", NO_PROJECT
        else:
            told, reason = f"unauthorized to access repository: {name}, action: {asked.action}", self.why(asked)
        return Refusal(401, "UNAUTHORIZED", f"{told}: {told}", reason)

    def why(self, asked: Asked) -> str:
        if asked.action in self.allowed(asked.user, asked.view):
            return ""
        return NOT_SIGNED_IN if asked.user is None else FOREIGN

    def forbids(self, asked: Asked) -> Refusal | None:
        return self._overwrites(asked) or self.overflows(asked)

    def _overwrites(self, asked: Asked) -> Refusal | None:
        """A tag that is there already and immutable: no push over it, and no deletion of what it leads to."""
        if asked.kind != "manifests" or asked.action == "pull":
            return None
        tags = asked.view.tags
        led = [asked.rest] if asked.rest in tags else [tag for tag, digest in tags.items() if digest == asked.rest]
        tag = self.fixed(asked.view.name, led if asked.action == "delete" or asked.rest in tags else [])
        if not tag:
            return None
        repository = asked.view.name.partition("/")[2]
        told = f"Failed to process request due to '{repository}:{tag}' configured as immutable."
        return Refusal(412, "PRECONDITION", told, IMMUTABLE)
