"""The section `kubernetes`: the manifests on the machine `kubernetes`, and what its cluster runs, where there is one."""

from typing import Any

import msgspec

MACHINE = "kubernetes"
"""The machine that they lie on."""

FOLDER = "/root/manifests"
"""Where."""


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in in a pull secret. Never the password itself."""

    account: str
    """"?" if it is none of the lab's accounts."""
    fits: bool
    """Whether the lab's own registry knows this account with this password."""


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """One object of a file. A List counts as its items."""

    file: str
    kind: str
    name: str
    namespace: str = "default"
    api: str
    """apiVersion."""
    value: dict[str, Any]
    """As it was written, without what Secrets hold."""
    problems: tuple[str, ...] = ()
    """What its schema says against it."""
    opens: dict[str, SignIn] | None = None
    """Of a Secret with sign-ins to registries: {registry as it was written: sign-in}. None if none can be read."""

    @property
    def place(self) -> tuple[str, str, str]:
        """What makes it another object: two with the same are one, and the later counts."""
        return self.kind, self.namespace, self.name

    @property
    def spec(self) -> dict[str, Any]:
        return table(self.value.get("spec"))


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is no manifest. `why`: template (of Helm), yaml, twice (a key), kustomize, object (of no kind)."""

    file: str
    why: str
    text: str


class Rollout(msgspec.Struct, frozen=True, kw_only=True):
    """A Deployment as the API server knows it."""

    name: str
    namespace: str
    image: str
    """Of its first container."""
    wanted: int
    updated: int
    ready: int
    settled: bool
    """Whether its controller has nothing left to do."""
    returned: bool
    """Whether it runs again what an earlier revision ran."""
    running: tuple[str, ...] = ()
    """Images of its ready pods by digest, as the node tells them."""
    trouble: tuple[str, ...] = ()
    """Why containers of its pods wait: "ImagePullBackOff: …"."""


class Kubernetes(msgspec.Struct, frozen=True, kw_only=True):
    """The machine `kubernetes`: the manifests on it, and what its cluster runs, where it has one."""

    there: bool = False
    """Whether the lab has the machine `kubernetes`, and it runs."""
    manifests: tuple[Declared, ...] = ()
    """In the order in which kubectl applies them: by file, and in a file from the top."""
    unread: tuple[Unread, ...] = ()
    plain: tuple[str, ...] = ()
    """Files in which a password of the lab's stands outside a Secret."""
    schemas: str = ""
    """The version of Kubernetes whose schemas the manifests were compared with; "" if these are not installed."""
    cluster: tuple[Rollout, ...] | None = None
    """The Deployments of the lab's cluster; None in a lab without one."""

    @property
    def objects(self) -> tuple[Declared, ...]:
        """Each object once: of two with the same name, the one that is applied later."""
        return tuple({one.place: one for one in self.manifests}.values())

    def of(self, *kinds: str) -> tuple[Declared, ...]:
        return tuple(one for one in self.objects if one.kind in kinds)


def table(value: Any) -> dict[str, Any]:
    """The value, or nothing where something else was written."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """The same of a list."""
    return value if isinstance(value, list) else []
