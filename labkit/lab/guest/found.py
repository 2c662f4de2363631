"""The lab as a guest finds it: only by asking its owner."""

from dataclasses import replace

import msgspec

from labkit.errors import LabError
from labkit.lab import contexts
from labkit.lab.access import Guest
from labkit.lab.engine.wire import WireError
from labkit.lab.guest import asking
from labkit.lab.lab import Lab
from labkit.lab.owner.operations import Told
from labkit.lab.plan import Plan
from labkit.paths import Home
from labkit.work import files


def lab(home: Home) -> Lab | None:
    """The lab that the guest was invited to; None if nobody answers there any more. Raises LabError.

    The contexts follow the machines, because a machine that was restarted has another address. Prepares the learner's folder if
    it does not exist yet.
    """
    owner, name = asking.invitation(home.state)
    home = replace(home, name=name)
    keys = home.state / "pki" / "client"
    try:
        told = msgspec.convert(asking.get(owner, keys, "/lab"), Told)
    except WireError as error:
        if isinstance(error.cause, ConnectionRefusedError):
            return None
        raise asking.silent(owner, error) from error
    except (msgspec.ValidationError, ValueError) as error:
        raise LabError(
            f"The lab's owner sent an answer that this labkit cannot read: {error}.", "labkit --version"
        ) from error
    found = Lab(
        plan=Plan.from_labels([told.labels]),
        home=home,
        access=Guest(owner, home.state, told.person),
        parts={machine.machine: machine for machine in told.machines},
    )
    addresses = {node.machine: found.url(node.machine) for node in found.nodes if node.port}
    if contexts.addresses(home.state) != addresses:
        contexts.write(home.state, addresses)
    if not home.work.is_dir():  # `up` prepares an owner's
        files.prepare(home.work, told.person)
    return found
