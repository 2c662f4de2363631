"""Keys and certificates of one lab, made when it starts and thrown away with it.

Three authorities, so that no key opens a door that is not its own: `lab` (engines and the edge's desk, which only this
side may call), `hub` (the registries' names, which the nodes trust), `store` (the registry, which only the edge may call).
Their own keys are never written down: every certificate that a lab can need is issued at once.
"""

from pathlib import Path

from labkit.lab.plan import EDGE_NAMES, MAX_WORKERS, machines


def make(folder: Path) -> None:
    """Writes `folder`/MACHINE/pki/*.pem for each machine, and `folder`/client/ (ca.pem, cert.pem, key.pem) for this side.

    Keys that are there are kept.
    """
    if (folder / "client" / "key.pem").exists():
        return
    import trustme

    lab, hub, store = trustme.CA(), trustme.CA(), trustme.CA()

    def write(place: str, files: dict[str, trustme.Blob | bytes]) -> None:
        target = folder / place
        target.mkdir(parents=True, mode=0o700, exist_ok=True)
        for file, blob in files.items():
            path = target / file
            path.touch(mode=0o600)
            path.write_bytes(blob if isinstance(blob, bytes) else blob.bytes())

    def pair(leaf: trustme.LeafCert, name: str) -> dict[str, trustme.Blob | bytes]:
        chain = b"".join(one.bytes() for one in leaf.cert_chain_pems)
        return {f"{name}.pem": chain, f"{name}-key.pem": leaf.private_key_pem}

    for machine in machines(MAX_WORKERS):
        issuer = store if machine.role == "store" else lab
        files = pair(issuer.issue_cert("localhost", "127.0.0.1", machine.name), "server")
        if machine.role == "edge":
            files |= pair(hub.issue_cert(*EDGE_NAMES), "hub") | pair(store.issue_cert("edge"), "store")
        if machine.role in ("edge", "store"):
            files["store-ca.pem"] = store.cert_pem
        if machine.role != "store":
            files |= {"lab-ca.pem": lab.cert_pem, "hub-ca.pem": hub.cert_pem}
        write(f"{machine.name}/pki", files)

    client = lab.issue_cert("labkit")
    files = {"ca.pem": lab.cert_pem, "cert.pem": client.cert_chain_pems[0], "key.pem": client.private_key_pem}
    write("client", files)
