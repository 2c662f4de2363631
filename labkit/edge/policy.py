"""Who may do what in which registry. Values only: no network, no clock."""

import json
from dataclasses import dataclass
from pathlib import Path

from .grammar import is_repository

FILE = Path(__file__).with_name("registries.json")


@dataclass(frozen=True)
class Policy:
    """A registry of the lesson: its names, and who may do what there.

    `title` is what people call it, `host` what stands in an image's name, `hosts` every host name that leads to it, in small
    letters and without a port. `seeded` are the repositories that the lab brings along. `read`, `write` and `delete` say who
    may: anyone, owner (of the namespace), signed-in. `keeps_tagged`: what a tag leads to is not deleted, nor a blob by itself.
    """

    key: str
    title: str
    host: str
    hosts: tuple[str, ...]
    seeded: tuple[str, ...]
    realm: str
    service: str
    read: str
    write: str
    delete: str
    keeps_tagged: bool
    catalog: bool

    def answers_to(self, host: str) -> bool:
        """Whether a Host header, with or without a port and in letters of any size, means this registry."""
        return host.rsplit(":", 1)[0].lower() in self.hosts

    def allowed(self, user: str | None, name: str, exists: bool, begun: bool = False) -> set[str]:
        """The actions, out of pull, push and delete, that this user (None: not signed in) has on a repository.

        `exists`: it has a tag. `begun`: something was pushed to it. Until it has a tag, its owner alone may look into it.
        Nobody is told whether another's repository exists, nor, as on Docker Hub, that one of their own does not.
        """
        owner = user is not None and name.startswith(f"{user}/")
        grants = {"anyone": exists or (owner and begun), "signed-in": user is not None, "owner": owner}
        return {
            action
            for action, rule in (("pull", self.read), ("push", self.write), ("delete", self.delete))
            if grants[rule]
        }

    def granted(self, wanted: set[str], user: str | None, name: str, exists: bool, begun: bool = False) -> set[str]:
        """What a token is given of the actions that are asked for; `*` asks for all (distribution, docs/spec/auth/scope.md)."""
        may = self.allowed(user, name, exists, begun)
        given = may if "*" in wanted else wanted & may
        # Who is to write may also look what is there already, as a push does before it sends a layer.
        looks = "push" in given and not wanted.isdisjoint({"pull", "*"})
        return given | {"pull"} if looks else given

    def challenge(self, scope: str = "", error: str = "") -> str:
        """The WWW-Authenticate header of an answer that asks for a token (RFC 6750, section 3)."""
        parts = [f'realm="{self.realm}"', f'service="{self.service}"']
        parts += [f'scope="{scope}"'] if scope else []
        parts += [f'error="{error}"'] if error else []
        return "Bearer " + ",".join(parts)


def policies() -> dict[str, Policy]:
    """Every registry of the lab by its key, in the order of registries.json."""
    data = json.loads(FILE.read_text())
    return {key: _policy(key, entry) for key, entry in data.items()}


def _policy(key: str, entry: dict[str, object]) -> Policy:
    lists = {field: tuple(entry[field]) for field in ("hosts", "seeded")}  # type: ignore[call-overload]
    return Policy(key=key, **{**entry, **lists})  # type: ignore[arg-type]


def parse_scope(scope: str) -> tuple[str, set[str]] | None:
    """`repository:NAME:pull,push` as (NAME, actions); None for what is no scope of a repository."""
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.rpartition(":")
    if kind.split("(")[0] != "repository" or not is_repository(name):
        return None
    return name, set(actions.split(","))
