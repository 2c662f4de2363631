"""Every key of a running lab, tried at every door of it: only the one that is meant for a door opens it."""

import http.client
import ssl

import pytest
from helpers import until

from labkit.lab.lifecycle import keeper

STORE_PORT = 5000


def keys(lab):
    """{name: (certificate, key)} of all that were made, those for workers that are not there included; and no key at all."""
    pki = lab.folder / "pki"
    found = {name: (pki / name / "cert.pem", pki / name / "key.pem") for name in ("client", "guest")}
    for key in pki.glob("*/pki/*-key.pem"):
        name = key.name.removesuffix("-key.pem")
        found[f"{key.parent.parent.name}/{name}"] = (key.with_name(f"{name}.pem"), key)
    return {"none": None, **found}


def answers(address, port, key):
    """Whether somebody with that key gets an answer there. The server's own certificate is not looked at."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if key:
        context.load_cert_chain(*key)
    connection = http.client.HTTPSConnection(address, port, timeout=10, context=context)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except (ssl.SSLError, ConnectionError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


@pytest.mark.parametrize(
    ("door", "opens"),
    [
        ("workstation", ["client", "guest"]),
        ("worker1", ["client", "guest"]),
        ("worker2", ["client", "guest"]),
        ("edge", ["client"]),
        ("store", ["edge/store"]),
    ],
)
def test_a_door_opens_to_its_own_keys_only(lab, door, opens):
    machine = lab.parts[door]
    address, port = ("127.0.0.1", machine.port) if machine.port else (machine.address, STORE_PORT)
    tried = keys(lab)
    assert len(tried) > 10
    assert [name for name, key in tried.items() if answers(address, port, key)] == opens


def test_the_owners_service_opens_to_guests_only(lab):
    keeper.receive(lab)
    try:
        port = until(lambda: keeper.port(lab.home), "the service's port")
        assert [name for name, key in keys(lab).items() if answers("127.0.0.1", port, key)] == ["guest"]
    finally:
        keeper.stop(lab.home)
        (lab.folder / keeper.GUESTS).unlink()
