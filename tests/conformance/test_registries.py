"""Every registry of the lab, and plain CNCF Distribution beside them, by the OCI distribution specification's workflows."""

import http.client

import pytest
from amazon import Ecr
from cases import CASES
from clouds import Acr, Google
from helpers import until
from speaker import Registry, secure

PORT = 5999
PLAIN = f"""
rm -rf /tmp/plain
export REGISTRY_HTTP_NET=tcp REGISTRY_HTTP_ADDR=:{PORT} REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/tmp/plain
trap '' HUP
setsid docker-registry serve /lab/store.yml > /dev/null 2>&1 < /dev/null &
echo $!
"""

FLAVOURS = {
    "hub": ("registry-1.docker.io", 443, "myusername", ("myusername", "mypassword")),
    "harbor": ("harbor.lab", 443, "library", ("admin", "Harbor12345")),
    "nexus-hosted": ("nexus.lab:8082", 8082, "team", ("myusername", "mypassword")),
    "private": ("registry.lab:5000", 5000, "team", ("colleague", "theirpassword")),
}
"""By key: host, port, a namespace in which to work, and who works."""

CLOUDS = ("ecr", "acr", "artifact", "gcr")
"""Those where a token is fetched first."""

LOST = {
    # Distribution 2.8 knows no other digest than sha256, and takes no layer that lies elsewhere but by its configuration.
    *("blob_by_sha512", "manifest_by_sha512", "manifest_of_foreign_layers"),
}
LACKS = {
    "plain": LOST
    | {
        *("manifest_with_a_subject", "manifest_with_a_subject_that_is_not_there", "index_with_a_subject"),
        *(run.__name__ for end, _, run in CASES if end in ("end-8b", "end-12a", "end-12b")),
        *(
            "chunk_that_begins_late",
            "chunk_out_of_order",
            "chunk_sent_again",
            "chunk_out_of_order_and_then_the_right_one",
        ),
        "manifest_of_a_reference_without_form",
        "tags",
    },
    "hub": LOST
    | {
        # As Docker Hub: what a tag leads to stays, and blobs are not deleted by themselves (docs/flavours.md).
        "delete_of_a_manifest_with_a_tag",
        "delete_of_a_tag",
        "delete_of_a_blob",
        "delete_of_a_blob_that_is_none",
    },
    "private": LOST,
    "harbor": LOST,
    "ecr": LOST,
    "acr": LOST,
    "artifact": LOST,
    "gcr": LOST,
    "nexus-hosted": LOST,
}
"""The cases that a registry does not pass. Each of them is held to fail: what is mended is taken off the list."""


def answers(registry):
    try:
        return registry.ask("GET", "/v2/").status == 200
    except ConnectionRefusedError:
        registry.close()
        return False


@pytest.fixture(scope="module")
def registries(started_lab):
    from labkit.lab import find
    from labkit.lab.lifecycle import machines

    lab = find.current()  # its edge may be another one by now
    edge = lab.parts["edge"]
    pid = machines.execute(lab.engine, edge.id, ["sh", "-c", PLAIN]).strip()
    found = {"plain": Registry("plain", http.client.HTTPConnection(edge.address, PORT, timeout=30), "plain", "me")}
    until(lambda: answers(found["plain"]), "plain Distribution answers")
    for key, (host, port, space, account) in FLAVOURS.items():
        found[key] = Registry(key, secure(edge.address, port), host, space, account)
    found |= {"ecr": Ecr(edge.address), "acr": Acr(edge.address)}
    found |= {"artifact": Google(edge.address), "gcr": Google(edge.address, "gcr", "my-project")}
    found["artifact"].make()
    yield found
    for registry in found.values():
        registry.close()
    machines.execute(lab.engine, edge.id, ["sh", "-c", f"kill {pid}; rm -rf /tmp/plain"])
    with lab.wire("edge") as wire:
        seen = wire.get("/observation?sections=store")["store"]["revisions"]
        made = [[key, name] for key, names in seen.items() for name in names if "/conformance/" in name]
        wire.request("POST", "/remove", {"repositories": made})
        wire.request("POST", "/forget", {"registries": list(CLOUDS)})


@pytest.mark.parametrize("name", ["plain", *FLAVOURS, *CLOUDS])
@pytest.mark.parametrize(("end", "run"), [pytest.param(end, run, id=f"{end}-{run.__name__}") for end, _, run in CASES])
def test_conformance(registries, name, end, run):
    if run.__name__ in LACKS[name]:
        with pytest.raises(AssertionError):
            run(registries[name])
    else:
        run(registries[name])


def test_the_cases_cover_the_specification():
    ends = {"end-1", "end-2", "end-3", "end-4a", "end-4b", "end-5", "end-6", "end-7", "end-8a", "end-8b"}
    assert {end for end, _, _ in CASES} == ends | {"end-9", "end-10", "end-11", "end-12a", "end-12b", "end-13"}
    assert {workflow for _, workflow, _ in CASES} == {"pull", "push", "content discovery", "content management"}
    assert len({run.__name__ for _, _, run in CASES}) == len(CASES) >= 60


def test_every_registry_does_as_well_as_plain_distribution():
    """But for deletions that its vendor forbids."""
    forbidden = {run.__name__ for _, workflow, run in CASES if workflow == "content management"}
    assert all(lacks - forbidden <= LACKS["plain"] for lacks in LACKS.values())
    assert LACKS["private"] < LACKS["plain"]
