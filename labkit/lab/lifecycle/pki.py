"""Keys and certificates of one lab, made when it starts and thrown away with it.

No key opens a door that is not its own. Four doors: the engines, which the owner and guests may call; the edge's desk, which
only the owner may; the owner's service, for guests; `hub`, the registries' names, which the nodes trust. Where both sides show
a certificate, servers, the owner and guests have an authority each: no machine's own key lets it in elsewhere, and a guest's
not where only the owner may be.
The authorities' own keys are never written down: every certificate that a lab can need is issued at once.
"""

import base64
import io
import tarfile
from dataclasses import replace
from pathlib import Path

from labkit.lab.plan import MAX_WORKERS, Plan


def make(folder: Path, plan: Plan) -> None:
    """Writes `folder`/MACHINE/pki/*.pem for each machine and for the owner's service ("owner"), and `folder`/client/ and
    `folder`/guest/ (ca.pem, cert.pem, key.pem) for this side and for guests.

    For as many workers as a lab can have: some may be added later. Keys that are there are kept.
    """
    if (folder / "client" / "key.pem").exists():
        return
    import trustme

    servers, clients, guests, hub = (trustme.CA() for _ in range(4))

    def write(place: str, files: dict[str, trustme.Blob | bytes]) -> None:
        target = folder / place
        target.mkdir(parents=True, mode=0o700, exist_ok=True)
        for file, blob in files.items():
            path = target / file
            path.touch(mode=0o600)
            path.write_bytes(blob if isinstance(blob, bytes) else blob.bytes())

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


def packed(folder: Path) -> str:
    """The files of one machine as its container takes them (with-keys.sh): a tar, zipped, in base64. Handing them over so costs
    the engine nothing; a copy into a container costs it a process and a mount, 50 ms each (docs/decisions/0006-start-up.md)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for file in sorted(folder.iterdir()):
            archive.add(file, file.name)
    return base64.b64encode(buffer.getvalue()).decode()
