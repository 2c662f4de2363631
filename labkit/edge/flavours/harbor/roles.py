"""What each role of a project may do in Harbor, as "resource:action" (goharbor/harbor, src/common/rbac/project/rbac_role.go and
rbac_util.go); left out are resources that this stand-in does not have."""

NAMES = {1: "projectAdmin", 2: "developer", 3: "guest", 4: "maintainer", 5: "limitedGuest"}
"""Roles by their number (src/common/const.go)."""


def _all(resource: str, *actions: str) -> frozenset[str]:
    return frozenset(f"{resource}:{action}" for action in actions)


PUBLIC = (
    _all("self", "read")
    | _all("repository", "list", "pull")
    | _all("tag", "list")
    | _all("artifact", "read", "list")
)  # fmt: skip
"""What anybody may do in a public project."""

_LIMITED = PUBLIC | _all("repository", "read") | _all("quota", "read")
_GUEST = _LIMITED | _all("member", "read", "list") | _all("robot", "read", "list")
_DEVELOPER = (
    _GUEST
    | _all("repository", "create", "update", "push")
    | _all("artifact", "create")
    | _all("tag", "create")
    | _all("tag-retention", "create", "read", "update", "delete", "list", "operate")
)
_MAINTAINER = (
    _DEVELOPER
    | _all("repository", "delete")
    | _all("artifact", "delete")
    | _all("tag", "delete")
    | _all("immutable-tag", "create", "update", "delete", "list")
)
_ADMIN = (
    _MAINTAINER
    | _all("self", "update", "delete")
    | _all("member", "create", "update", "delete")
    | _all("robot", "create", "update", "delete")
)

RIGHTS = {
    "projectAdmin": _ADMIN,
    "maintainer": _MAINTAINER,
    "developer": _DEVELOPER,
    "guest": _GUEST,
    "limitedGuest": _LIMITED,
}

FOR_ROBOTS = _ADMIN - _all("self", "read", "update", "delete") | _all("project", "read", "update", "delete")
"""What a robot of a project can be given. A robot names the project itself as `project`."""
