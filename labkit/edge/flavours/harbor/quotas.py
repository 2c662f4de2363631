"""Harbor's quotas: bytes that a project may take, each blob counted once (goharbor/harbor, src/server/middleware/quota and
src/pkg/quota)."""

from typing import Any

from ...shelf import Shelf
from ..base import QUOTA, Asked, Refusal
from ..routes import Call, Reply, table
from .answers import missing, paged, wrong
from .book import ROUTES, UNLIMITED
from .projects import Projects, is_limit, limit_of


class Quotas(Projects):
    @ROUTES.on("GET", "/quotas")
    def list_quotas(self, call: Call) -> Reply:
        if reply := self.only_admin(call):
            return reply
        wanted = call.query.get("reference_id", "")
        names = [name for name, said in self.projects.items() if wanted in ("", str(said["id"]))]
        return paged(call, [self._quota(call, name) for name in names])

    @ROUTES.on("GET", "/quotas/{id}")
    def tell_quota(self, call: Call) -> Reply:
        name, reply = self._quota_of(call)
        return reply or Reply(200, self._quota(call, name))

    @ROUTES.on("PUT", "/quotas/{id}")
    def change_quota(self, call: Call) -> Reply:
        name, reply = self._quota_of(call)
        if reply:
            return reply
        hard = table(table(call.body).get("hard"))
        if not hard:
            return wrong("hard required in body")
        if other := next((key for key in hard if key != "storage"), ""):
            return wrong(f"resource {other} not support")
        if not is_limit(hard["storage"]):
            return wrong(f"invalid value for storage: {hard['storage']}")
        self.own(name)["limit"] = hard["storage"]
        self.kept.save()
        return Reply(200)

    def _quota_of(self, call: Call) -> tuple[str, Reply | None]:
        """The project of the quota that the path names: a quota has its project's number here."""
        if reply := self.only_admin(call):
            return "", reply
        number = call.parts["id"]
        name = next((name for name, said in self.projects.items() if str(said["id"]) == number), "")
        return name, None if name else missing(f"quota {number} not found")

    def _quota(self, call: Call, name: str) -> dict[str, Any]:
        said = self.projects[name]
        return {
            "id": said["id"],
            "ref": {"id": said["id"], "name": name, "owner_name": said["owner"]},
            "hard": {"storage": limit_of(said)},
            "used": {"storage": self.used(call.shelf, name)},
        }

    def overflows(self, asked: Asked) -> Refusal | None:
        """Refuses what would take a project beyond its quota: an upload that begins where there is no room left, one that is
        finished, a manifest."""
        name, shelf = asked.view.name.partition("/")[0], asked.view.shelf
        limit = limit_of(self.projects[name])
        if limit == UNLIMITED or asked.action != "push" or not _counts(asked):
            return None
        return self._beyond(shelf, name, limit, asked)

    def _beyond(self, shelf: Shelf, name: str, limit: int, asked: Asked) -> Refusal | None:
        held = shelf.parts(self.key, name)
        used = sum(map(shelf.size, held))
        brings = 0 if asked.digest in held else asked.size
        if used + brings <= limit:
            return None
        does = "adding" if brings else "subtracting"  # Harbor's own word for a change of nothing
        told = (
            f"{does} {sized(brings)} of storage resource, which when updated to current usage of {sized(used)} will exceed the "
            f"configured upper limit of {sized(limit)}."
        )
        return Refusal(403, "DENIED", told, QUOTA)


def _counts(asked: Asked) -> bool:
    """A manifest, an upload that begins, and one that is finished; what comes in between is not asked about."""
    return asked.kind == "manifests" or asked.rest == "uploads/" or bool(asked.digest)


def sized(value: int) -> str:
    """Bytes as Harbor writes them (src/pkg/quota/types/format.go)."""
    if value < 1024:
        return f"{value} B"
    number, unit = value / 1024, 0
    while number >= 1024:
        number, unit = number / 1024, unit + 1
    return f"{number:.1f} {'KMGTPE'[unit]}iB"
