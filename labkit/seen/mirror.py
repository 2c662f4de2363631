"""The section `mirror`: the registry mirror of a lab that has one, who uses it, and what it served."""

import msgspec

from labkit.seen.log import Action

MACHINE = "mirror"
"""The machine that it runs on."""

HUBS = ("https://registry-1.docker.io", "https://index.docker.io")
"""Upstreams that are Docker Hub."""


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """One request that the mirror's registry answered, from its access log."""

    time: float
    """Seconds since 1970."""
    machine: str
    """The lab's machine that asked, or "" for any other."""
    action: str
    """An Action: head, pull or blob."""
    repository: str
    reference: str
    """The tag or digest that was asked for."""
    status: int
    agent: str

    @property
    def ok(self) -> bool:
        return self.status < 400

    @property
    def by_engine(self) -> bool:
        return self.agent.startswith("docker/")

    @property
    def asks_for_tag(self) -> bool:
        return self.action != Action.BLOB and ":" not in self.reference


class Mirror(msgspec.Struct, frozen=True, kw_only=True):
    there: bool = False
    """Whether the lab has the machine `mirror`, and it runs."""
    running: bool = False
    """Whether its registry answers."""
    upstream: str = ""
    """The registry that it is a pull-through cache of (`proxy.remoteurl`), or ""."""
    names: tuple[str, ...] = ()
    """Where it answers, as host:port; the first is the one to type."""
    repositories: dict[str, dict[str, str]] = {}
    """{repository: {tag: digest}} that it holds."""
    users: dict[str, tuple[str, ...]] = {}
    """{machine: the mirrors that its engine uses now}, as URLs."""
    served: tuple[Served, ...] = ()
    """The oldest first."""

    @property
    def of_hub(self) -> bool:
        """Whether it is a pull-through cache of Docker Hub."""
        return self.running and self.upstream.rstrip("/").lower() in HUBS

    def used_by(self, machine: str) -> bool:
        """Whether that machine's engine asks this mirror first."""
        return any(self._is(url) for url in self.users.get(machine, ()))

    def _is(self, url: str) -> bool:
        scheme, _, rest = url.lower().partition("://")
        host = rest.rstrip("/")
        return scheme == "http" and (host if ":" in host else f"{host}:80") in self.names
