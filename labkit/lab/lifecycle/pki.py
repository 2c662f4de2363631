"""Keys and certificates of one lab, created when it starts and deleted with it.

Each key opens only its own door. There are four doors: the engines, for the owner and guests; the edge's desk, for the owner
only; the owner's service, for guests; and `hub`, the registries' names, which the nodes trust. With mutual TLS, servers, the
owner and guests each have their own authority: a machine's key opens nothing, and a guest's key does not open the owner's
doors. Nobody stores the authorities' own keys: every certificate that a lab may need is issued at the start.
"""

import base64
import io
import ssl
import tarfile
from dataclasses import replace
from pathlib import Path

from labkit.lab import contexts
from labkit.lab.engine.wire import Wire, WireError, tls_context
from labkit.lab.lab import Lab, client_keys
from labkit.lab.plan import MAX_WORKERS, Plan
from labkit.work import keeping


def make(folder: Path, plan: Plan) -> None:
    """Writes `folder`/MACHINE/pki/*.pem for each machine and for the owner's service ("owner"), and `folder`/client/ and
    `folder`/guest/ (ca.pem, cert.pem, key.pem) for this side and for guests.

    Covers the largest number of workers, because some may be added later. Keeps existing keys. Raises OSError.
    """
    if (folder / "client" / "key.pem").exists():
        return
    import trustme

    servers, clients, guests, hub = (trustme.CA() for _ in range(4))

    def write(place: str, files: dict[str, trustme.Blob | bytes]) -> None:
        target = folder / place
        target.mkdir(parents=True, mode=0o700, exist_ok=True)
        for file, blob in files.items():
            content = blob if isinstance(blob, bytes) else blob.bytes()
            keeping.write_whole(target / file, content, mode=0o600, lasting=False)

    def pair(leaf: trustme.LeafCert, name: str) -> dict[str, trustme.Blob | bytes]:
        chain = b"".join(certificate.bytes() for certificate in leaf.cert_chain_pems)
        return {f"{name}.pem": chain, f"{name}-key.pem": leaf.private_key_pem}

    for machine in replace(plan, workers=MAX_WORKERS).machines:
        if not machine.tls:
            continue
        files = pair(servers.issue_cert("localhost", "127.0.0.1", machine.name), "server")
        # NAME-ca.pem is what the other side of that door is known by: a server's file names the clients that it lets in.
        match machine.role:
            case "edge":
                files |= pair(hub.issue_cert(*plan.hosts), "hub")
                files |= {"lab-ca.pem": clients.cert_pem, "hub-ca.pem": hub.cert_pem}
            case _:
                both = clients.cert_pem.bytes() + guests.cert_pem.bytes()
                files |= {"lab-ca.pem": both, "hub-ca.pem": hub.cert_pem}
        write(f"{machine.name}/pki", files)

    service = pair(servers.issue_cert("localhost", "127.0.0.1"), "server")
    write("owner/pki", {**service, "lab-ca.pem": guests.cert_pem})
    for place, issuer in (("guest", guests), ("client", clients)):  # the client's last: where it is, all are
        leaf = issuer.issue_cert("labkit")
        files = {"ca.pem": servers.cert_pem, "cert.pem": leaf.cert_chain_pems[0], "key.pem": leaf.private_key_pem}
        write(place, files)


def packed(*folders: Path) -> str:
    """One machine's files as its container takes them (with-keys.sh), of these folders and files: a compressed tar in
    base64. Passing them this way costs the engine nothing; copying them into a container costs a process and a mount, 50 ms
    each (docs/decisions/0006-start-up.md)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for folder in folders:
            for file in sorted(folder.iterdir()) if folder.is_dir() else (folder,):
                archive.add(file, file.name)
    return base64.b64encode(buffer.getvalue()).decode()


def hold(lab: Lab) -> bool:
    """Whether this side's keys open the running lab. If they do not, it tries docker's copies of them and sets the damaged ones
    aside. If no copy opens the lab, it sets all of them aside: the lab must be created again."""
    keys, copies = client_keys(lab.folder), contexts.folder(lab.folder) / "contexts" / "tls"
    if _open(lab, keys):
        return True
    for copy in sorted(copies.glob("*/docker")):
        if _open(lab, copy):
            whole = {file: (copy / file).read_bytes() for file in contexts.KEYS}
            if keys.exists():
                keeping.set_aside(keys, WHY)
            keys.mkdir(parents=True, mode=0o700)
            for file, content in whole.items():
                keeping.write_whole(keys / file, content, mode=0o600, lasting=False)
            return True
    if keys.exists():
        keeping.set_aside(keys.parent, WHY)
    return False


WHY = "it does not fit the lab"


def _open(lab: Lab, keys: Path) -> bool:
    """False if these are not keys or a machine refuses them. A machine that does not answer says nothing about them."""
    try:
        tls = tls_context(keys)
    except (OSError, ValueError):
        return False
    for machine in lab.plan.nodes:
        if lab.state(machine.name) == "running" and (lab.home.inside or lab.parts[machine.name].port):
            try:
                with Wire(lab.url(machine.name), tls, ASKING) as wire:
                    wire.request("GET", machine.ping)
            except WireError as error:
                if _refused(error.cause):
                    return False
            else:
                return True
    return True


def _refused(cause: BaseException | None) -> bool:
    """Whether one side rejected the other's certificate. A machine that is just stopping fails in another way."""
    alerted = isinstance(cause, ssl.SSLError) and "ALERT" in str(cause.reason)
    return alerted or isinstance(cause, ssl.SSLCertVerificationError)


ASKING = 2.0
"""Seconds that a machine gets to say whether it accepts the keys."""
