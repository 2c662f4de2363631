"""Harbor's API of repositories, artifacts and tags (goharbor/harbor, src/server/v2.0/handler/artifact.go and repository.go)."""

from typing import Any

from ..routes import Call, Reply
from .answers import date, missing, paged, refused
from .book import ROUTES, Book
from .holding import Artifact, Repository
from .patterns import applies

INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")

BELOW = "/projects/{project}/repositories/{repository}"


class Artifacts(Book):
    # ── repositories ──

    @ROUTES.on("GET", "/repositories")
    def list_all(self, call: Call) -> Reply:
        names = [name for name in self.projects if self.can(call.user, name, "repository:list")]
        return paged(call, [told for name in names for told in self._repositories(call, name)])

    @ROUTES.on("GET", "/projects/{project}/repositories")
    def list_repositories(self, call: Call) -> Reply:
        name, reply = self.found(call, "repository:list")
        return reply or paged(call, self._repositories(call, name))

    def _repositories(self, call: Call, project: str) -> list[dict[str, Any]]:
        return [self._told_repository(self._repository(call, name)) for name in self.repositories(call, project)]

    def _repository(self, call: Call, name: str) -> Repository:
        return Repository(call.shelf, self.key, name)

    def _told_repository(self, held: Repository) -> dict[str, Any]:
        project = held.name.partition("/")[0]
        artifacts = held.artifacts()
        dates = {"update_time": date(artifacts[0].pushed)} if artifacts else {}
        return {
            "name": held.name,
            "project_id": self.projects[project]["id"],
            "artifact_count": len(artifacts),
            **dates,
        }

    @ROUTES.on("GET", BELOW)
    def tell_repository(self, call: Call) -> Reply:
        held, reply = self._repository_of(call, "repository:read")
        return reply or Reply(200, self._told_repository(held))

    @ROUTES.on("DELETE", BELOW)
    def remove_repository(self, call: Call) -> Reply:
        held, reply = self._repository_of(call, "repository:delete")
        if reply:
            return reply
        if fixed := self.fixed(held.name, held.shelf.tags(self.key, held.name)):
            return _kept(fixed)
        held.shelf.remove(self.key, held.name)
        return Reply(200)

    def _repository_of(self, call: Call, right: str) -> tuple[Repository, Reply | None]:
        """The repository that the path names, whose slashes are encoded twice (swagger.yaml, repositoryName)."""
        project, reply = self.found(call, right)
        inner = call.parts["repository"].replace("%2F", "/").replace("%2f", "/")
        held = self._repository(call, f"{project}/{inner}")
        if not reply and held.name not in self.repositories(call, project):
            reply = missing(f"repository {held.name} not found")
        return held, reply

    # ── artifacts ──

    @ROUTES.on("GET", f"{BELOW}/artifacts")
    def list_artifacts(self, call: Call) -> Reply:
        held, reply = self._repository_of(call, "artifact:list")
        return reply or paged(call, [self._artifact(call, held, one) for one in held.artifacts()])

    @ROUTES.on("GET", f"{BELOW}/artifacts/{{reference}}")
    def tell_artifact(self, call: Call) -> Reply:
        held, artifact, reply = self._reached(call, "artifact:read")
        return reply or Reply(200, self._artifact(call, held, artifact))

    @ROUTES.on("DELETE", f"{BELOW}/artifacts/{{reference}}")
    def remove_artifact(self, call: Call) -> Reply:
        """With all its tags."""
        held, artifact, reply = self._reached(call, "artifact:delete")
        if reply:
            return reply
        if held.is_inside(artifact.digest):
            return refused(412, "VIOLATE_FOREIGN_KEY_CONSTRAINT", "the deleting artifact is referenced by others")
        if fixed := self.fixed(held.name, artifact.tags):
            return _kept(fixed)
        held.remove([artifact])
        return Reply(200)

    def _reached(self, call: Call, right: str) -> tuple[Repository, Artifact, Reply | None]:
        """The artifact that the path names, by a digest or a tag."""
        held, reply = self._repository_of(call, right)
        wanted = call.parts["reference"]
        artifact = None if reply else held.find(wanted)
        if not reply and artifact is None:
            mark = "@" if ":" in wanted else ":"
            reply = missing(f"artifact {held.name}{mark}{wanted} not found")
        return held, artifact or Artifact("", (), 0), reply

    # ── tags ──

    @ROUTES.on("GET", f"{BELOW}/artifacts/{{reference}}/tags")
    def list_tags(self, call: Call) -> Reply:
        held, artifact, reply = self._reached(call, "tag:list")
        return reply or paged(call, self._tags(call, held, artifact))

    @ROUTES.on("DELETE", f"{BELOW}/artifacts/{{reference}}/tags/{{tag}}")
    def remove_tag(self, call: Call) -> Reply:
        """What it led to stays, also with no tag."""
        held, artifact, reply = self._reached(call, "tag:delete")
        if reply:
            return reply
        tag = call.parts["tag"]
        if tag not in artifact.tags:
            return missing(f"tag {tag} attached to artifact {artifact.digest} not found")
        if self.fixed(held.name, [tag]):
            return _kept(tag)
        held.shelf.untag(self.key, held.name, tag)
        return Reply(200)

    # ── what is told of them ──

    def fixed(self, name: str, tags: Any) -> str:
        """The first of a repository's tags that is immutable, "" for none."""
        project, _, repository = name.partition("/")
        rules = self.projects[project]["rules"]
        return next((tag for tag in tags if any(applies(rule, repository, tag) for rule in rules)), "")

    def _artifact(self, call: Call, held: Repository, artifact: Artifact) -> dict[str, Any]:
        told = held.manifest(artifact.digest)
        kind = told.get("mediaType") if isinstance(told.get("mediaType"), str) else ""
        children = held.children(artifact.digest)
        tags = (
            {"tags": self._tags(call, held, artifact) or None} if call.query.get("with_tag", "true") == "true" else {}
        )
        return {
            "type": "IMAGE",
            "digest": artifact.digest,
            "manifest_media_type": kind or (INDEXES[0] if children else ""),
            "size": held.size(artifact.digest),
            "push_time": date(artifact.pushed),
            "project_id": self.projects[held.name.partition("/")[0]]["id"],
            "repository_name": held.name,
            "references": [{"child_digest": child} for child in children] or None,
            **tags,
        }

    def _tags(self, call: Call, held: Repository, artifact: Artifact) -> list[dict[str, Any]]:
        """Whether one is immutable is told where it is asked for, as in Harbor."""
        asked = call.query.get("with_immutable_status") == "true"
        return [
            {
                "name": tag,
                "push_time": date(artifact.pushed),
                "immutable": asked and bool(self.fixed(held.name, [tag])),
            }
            for tag in artifact.tags
        ]


def _kept(tag: str) -> Reply:
    return refused(412, "PRECONDITION", f"the tag {tag} configured as immutable, cannot be deleted")
