"""The servers of a classroom: the broker on its own machine, if there is one, and those on others that have joined."""

from collections.abc import Mapping
from pathlib import Path

from labkit.classroom.broker import joining
from labkit.classroom.broker.fleet import BEAT, PATIENCE, Fleet, News
from labkit.classroom.broker.joining import Join
from labkit.classroom.broker.labs import Server
from labkit.classroom.broker.remote import Remote
from labkit.errors import LabError, nearest
from labkit.seen.signature import Public

HERE = "here"
"""The name of the broker on the classroom's own machine."""


class Servers:
    """As one fleet, to which a broker is added when it joins."""

    def __init__(
        self,
        folder: Path,
        public: Public,
        here: Server | None = None,
        news: News | None = None,
        addresses: Mapping[str, str] | None = None,
        patience: float = PATIENCE,
    ) -> None:
        """`folder` is the classroom's. `addresses`: {name: https://HOST:PORT} of brokers that are now reached elsewhere than
        when they joined. `patience` as in fleet.py. Raises LabError."""
        self._folder, self._public = folder, public
        joined = {one.name: one.address for one in joining.known(folder)}
        for name in addresses or {}:
            if name not in joined:
                raise LabError(
                    f"No broker {name} has joined this classroom: {nearest(name, [*joined])}",
                    f"labkit classroom invite-broker {name}",
                )
        there: dict[str, Server] = {HERE: here} if here else {}
        there |= {name: self._remote(name, address) for name, address in {**joined, **(addresses or {})}.items()}
        self.fleet = Fleet(there, folder / "placed.json", news, patience, min(BEAT, patience / 5))

    def admit(self, asked: Join) -> tuple[str, str]:
        """Takes up the broker that comes with a pass. Returns its name, and the certificate of whom it lets in. Raises LabError
        for a pass that is wrong, used or too old."""
        name, lets_in = joining.admit(self._folder, asked)
        self.fleet.add(name, self._remote(name, asked.address))
        return name, lets_in

    def _remote(self, name: str, address: str) -> Remote:
        return Remote(name, address, joining.keys(self._folder, name), self._public)
