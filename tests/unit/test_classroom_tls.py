"""A certificate of the instructor's own beside the classroom's: who is shown which, and what is refused."""

import contextlib
import datetime
import os
import socket
import ssl
from types import SimpleNamespace

import pytest
import trustme
from classrooms import classroom
from cryptography.hazmat.primitives import serialization

from labkit import reaching
from labkit.classroom import opening, queue
from labkit.classroom.app import serve, tls
from labkit.errors import LabError

HOST = "lab.school.example"
NOW = datetime.datetime(2026, 11, 27, tzinfo=datetime.UTC)


def issued(authority, folder, *names, **more):
    """(chain, key): files with a certificate of that authority."""
    folder.mkdir(exist_ok=True)
    leaf, chain, key = authority.issue_cert(*names, **more), folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(b"".join(one.bytes() for one in leaf.cert_chain_pems))
    leaf.private_key_pem.write_to_path(key)
    key.chmod(0o600)
    return chain, key


@pytest.fixture(scope="module")
def known():
    """An authority that browsers know."""
    return trustme.CA()


@pytest.fixture(scope="module")
def room(known, tmp_path_factory):
    folder = tmp_path_factory.mktemp("room")
    files = issued(known, folder / "given", HOST, "*.labs.example")
    with classroom(folder, certificate=files) as one:
        yield SimpleNamespace(one=one, files=files)


def shown(room, host, authority):
    """The certificate that this room shows to a client which asks for that name, and trusts that authority alone."""
    trusting = ssl.create_default_context(cadata=authority)
    place = ("127.0.0.1", room.one.opened.socket.getsockname()[1])
    with socket.create_connection(place, 10) as plain, trusting.wrap_socket(plain, server_hostname=host) as wrapped:
        return wrapped.getpeercert(binary_form=True)


def pem(authority):
    return authority.cert_pem.bytes().decode()


@pytest.mark.parametrize("host", [HOST, HOST.upper(), "red.labs.example"])
def test_who_asks_for_its_name_is_shown_it(room, known, host):
    assert shown(room, host, pem(known))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", reaching.NAME])
def test_everybody_else_is_shown_the_classrooms_own(room, host):
    assert shown(room, host, room.one.room.ca.decode())


@pytest.mark.parametrize("host", ["school.example", "a.b.labs.example", "labs.example"])
def test_it_is_for_no_other_name(room, known, host):
    with pytest.raises(ssl.SSLCertVerificationError):
        shown(room, host, pem(known))


def test_people_are_told_its_name(room):
    port = room.one.opened.socket.getsockname()[1]
    assert room.one.opened.link.startswith(f"https://{HOST}:{port}/join/")


@pytest.fixture
def resolved(room, monkeypatch):
    """As where the school's name leads to this machine. Returns the address."""
    usual = socket.getaddrinfo

    def here(host, *rest, **more):
        return usual("127.0.0.1" if host == HOST else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", here)
    return room.one.room.address


def test_programs_that_joined_know_the_classroom_under_that_name(room, resolved):
    """A laptop has kept the classroom's authority; the certificate for browsers is another's."""
    authority = queue.authority(resolved, room.one.room.fingerprint)
    assert authority == room.one.room.ca.decode()
    assert queue.ask(resolved, authority, "POST", "/api/results", {}, "no pass")[0] == 401


def test_programs_do_not_take_the_certificate_for_browsers_for_the_classroom(room, known, resolved):
    with pytest.raises(LabError, match="does not answer"):
        queue.ask(resolved, pem(known), "POST", "/api/results", {}, "no pass")


def test_a_renewed_one_is_shown_without_a_restart(room, known):
    before = shown(room, HOST, pem(known))
    chain = room.files[0]
    issued(known, chain.parent, HOST, "*.labs.example")
    os.utime(chain, ns=(1, 1))
    renewed = shown(room, HOST, pem(known))
    assert renewed != before
    chain.write_text("half of")
    assert shown(room, HOST, pem(known)) == renewed  # and what cannot be used leaves the one before


# ── what is refused, and what is told ────────────────────────────────────────────────────────────────────────────────


def test_the_key_of_another(known, tmp_path):
    chain, _ = issued(known, tmp_path / "one", HOST)
    _, key = issued(known, tmp_path / "other", HOST)
    with pytest.raises(LabError, match="does not belong to"):
        tls.read(chain, key, NOW)


def test_a_key_that_all_can_read(known, tmp_path):
    chain, key = issued(known, tmp_path / "one", HOST)
    key.chmod(0o644)
    with pytest.raises(LabError, match="Every user of this machine") as refused:
        tls.read(chain, key, NOW)
    assert refused.value.fix == f"chmod o-rwx {key}"


def test_a_key_with_a_password(known, tmp_path):
    chain, key = issued(known, tmp_path / "one", HOST)
    opened = serialization.load_pem_private_key(key.read_bytes(), None)
    kind = serialization.BestAvailableEncryption(b"secret")
    key.write_bytes(opened.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, kind))
    with pytest.raises(LabError, match="cannot be read, for the certificate"):
        tls.read(chain, key, NOW)


@pytest.mark.parametrize(
    "content", ["", "not a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate(known, tmp_path, content):
    chain, key = issued(known, tmp_path / "one", HOST)
    chain.write_text(content)
    with pytest.raises(LabError, match="not a certificate in PEM form"):
        tls.read(chain, key, NOW)


def test_a_file_that_is_not_there(known, tmp_path):
    chain, key = issued(known, tmp_path / "one", HOST)
    chain.unlink()
    with pytest.raises(LabError, match="No such file"):
        tls.read(chain, key, NOW)


@pytest.mark.parametrize("days", [-1, 0])
def test_one_that_has_ended(known, tmp_path, days):
    files = issued(known, tmp_path / "one", HOST, not_after=NOW + datetime.timedelta(days=days, seconds=-1))
    with pytest.raises(LabError, match="is valid from"):
        tls.read(*files, NOW)


@pytest.mark.parametrize(("days", "told"), [(13, True), (15, False)])
def test_one_that_ends_soon_is_told_of(known, tmp_path, days, told):
    files = issued(known, tmp_path / "one", HOST, not_after=NOW + datetime.timedelta(days=days))
    assert bool(tls.read(*files, NOW).note(NOW)) is told


def test_one_without_a_hosts_name(known, tmp_path):
    with pytest.raises(LabError, match="names no host"):
        tls.read(*issued(known, tmp_path / "one", "192.0.2.7"), NOW)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://lab.school.example", "https://lab.school.example"),
        ("https://lab.school.example:443/", "https://lab.school.example"),
        ("https://Lab.School.Example:8500", "https://lab.school.example:8500"),
        ("https://[2001:db8::7]:8443", "https://[2001:db8::7]:8443"),
    ],
)
def test_an_address_that_is_given(tmp_path, address, told):
    with classroom(tmp_path, address=address) as one:
        assert one.room.address == told
        assert one.opened.link.startswith(f"{told}/join/")


@pytest.mark.parametrize(
    "address", ["lab.school.example", "http://lab", "https://lab/x", "https://", "https://lab:x", "https://a@b"]
)
def test_an_address_that_is_none(tmp_path, address):
    with pytest.raises(LabError, match="is not an address"), contextlib.ExitStack() as there:
        there.enter_context(classroom(tmp_path, address=address))


def test_nothing_stays_behind_where_it_is_refused(known, tmp_path):
    chain, _ = issued(known, tmp_path / "one", HOST)
    _, key = issued(known, tmp_path / "other", HOST)
    wanted = opening.Wanted("spring", tmp_path / "rooms", ("01-login",), "127.0.0.1", 0, certificate=(chain, key))
    with pytest.raises(LabError):
        opening.open_(wanted)
    assert not (tmp_path / "rooms").exists()


def test_a_name_is_listened_to_by_its_addresses():
    assert "127.0.0.1" in serve.names("localhost")
