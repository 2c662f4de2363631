"""Every key of a running lab, tried at every door of it: only the one that is meant for a door opens it."""

import http.client
import ssl
import subprocess
import sys

import pytest
from helpers import until

from labkit.lab.lifecycle import keeper, machines


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
    ],
)
def test_a_door_opens_to_its_own_keys_only(lab, door, opens):
    tried = keys(lab)
    assert len(tried) > 10
    assert [name for name, key in tried.items() if answers("127.0.0.1", lab.parts[door].port, key)] == opens


OPEN = """
import socket, sys
def takes(port):
    with socket.socket() as knocking:
        return knocking.connect_ex((sys.argv[1], port)) == 0
print(*filter(takes, range(1, 65536)))
"""
"""Every TCP port of the machine with that address that takes a call."""


def test_nobody_but_the_edge_reaches_the_store(lab):
    """It listens on no port: all that the edge's machine has open are the registries and the desk, whoever tries."""
    edge = lab.parts["edge"]
    on_a_node = machines.execute(lab.engine, lab.parts["worker1"].id, ["python3", "-c", OPEN, edge.address])
    here = subprocess.run([sys.executable, "-c", OPEN, edge.address], capture_output=True, text=True, check=True).stdout
    assert on_a_node.split() == here.split() == ["443", "5000", "8081", "8082", "8083", "8443"]


def test_the_owners_service_opens_to_guests_only(lab):
    keeper.receive(lab)
    try:
        port = until(lambda: keeper.port(lab.home), "the service's port")
        assert [name for name, key in keys(lab).items() if answers("127.0.0.1", port, key)] == ["guest"]
    finally:
        keeper.stop(lab.home)
        (lab.folder / keeper.GUESTS).unlink()
