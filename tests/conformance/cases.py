"""What the OCI distribution specification (1.1) asks of a registry, by its own identifiers ("Endpoints": end-1 … end-13) and
workflows. Each case is a function of a registry that fails where the registry does not do what is asked."""

import json
from urllib.parse import quote

from speaker import BYTES, CONFIG, EMPTY, IMAGE, INDEX, LAYER, SCHEMA_2, digest_of, image, index

CASES = []
"""(identifier, workflow, function), in the order of the specification."""

LOST = digest_of(b"never pushed")


def case(end, workflow):
    def take(function):
        CASES.append((end, workflow, function))
        return function

    return take


def repository(registry, function, *sources):
    return registry.repository(f"conformance/{function.__name__.replace('_', '-')}", *sources)


# ── whether it is one ────────────────────────────────────────────────────────────────────────────────────────────────


@case("end-1", "pull")
def version(registry):
    head = registry.sign_in()
    registry.ask("GET", "/v2/", headers=head).is_(200)


@case("end-1", "pull")
def version_without_sign_in(registry):
    answer = registry.ask("GET", "/v2/").is_(200, 401)
    assert answer.status == 200 or answer.headers["WWW-Authenticate"]


# ── pull ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def pulled(registry, function):
    """A repository with an image v1, and the blob "0123456789"."""
    there = repository(registry, function)
    there.blob(b"0123456789")
    described, body = there.image("v1", function.__name__)
    return there, described, body


@case("end-2", "pull")
def blob_head_missing(registry):
    pulled(registry, blob_head_missing)[0].peek(f"blobs/{LOST}").is_(404)


@case("end-2", "pull")
def blob_get_missing(registry):
    answer = pulled(registry, blob_get_missing)[0].get(f"blobs/{LOST}").is_(404)
    assert answer.code == "BLOB_UNKNOWN"


@case("end-2", "pull")
def blob_get(registry):
    answer = pulled(registry, blob_get)[0].get(f"blobs/{digest_of(b'0123456789')}").is_(200)
    assert answer.body == b"0123456789" and answer.digest == digest_of(b"0123456789")


@case("end-2", "pull")
def blob_head(registry):
    answer = pulled(registry, blob_head)[0].peek(f"blobs/{digest_of(b'0123456789')}").is_(200)
    assert answer.headers["Content-Length"] == "10" and answer.digest == digest_of(b"0123456789")


@case("end-2", "pull")
def blob_range(registry):
    there, digest = pulled(registry, blob_range)[0], digest_of(b"0123456789")
    answer = there.get(f"blobs/{digest}", Range="bytes=2-5").is_(206)
    assert answer.body == b"2345" and answer.headers["Content-Range"] == "bytes 2-5/10"


@case("end-2", "pull")
def blob_range_to_the_end(registry):
    answer = pulled(registry, blob_range_to_the_end)[0].get(f"blobs/{digest_of(b'0123456789')}", Range="bytes=7-")
    assert answer.is_(206).body == b"789"


@case("end-2", "pull")
def blob_range_of_the_end(registry):
    answer = pulled(registry, blob_range_of_the_end)[0].get(f"blobs/{digest_of(b'0123456789')}", Range="bytes=-2")
    assert answer.is_(206).body == b"89"


@case("end-2", "pull")
def blob_range_beyond_the_end(registry):
    answer = pulled(registry, blob_range_beyond_the_end)[0].get(f"blobs/{digest_of(b'0123456789')}", Range="bytes=8-99")
    assert answer.is_(206).body == b"89"


@case("end-2", "pull")
def blob_range_that_is_none(registry):
    there = pulled(registry, blob_range_that_is_none)[0]
    there.get(f"blobs/{digest_of(b'0123456789')}", Range="bytes=10-").is_(416)


@case("end-2", "pull")
def blob_of_a_digest_without_form(registry):
    there = pulled(registry, blob_of_a_digest_without_form)[0]
    for digest in ("sha256:12", f"md5:{'0' * 32}", f"sha256:{'G' * 64}", f"sha256:{'A' * 64}"):
        there.peek(f"blobs/{digest}").is_(400, 404)
        answer = there.get(f"blobs/{digest}").is_(400, 404)
        assert answer.code in ("DIGEST_INVALID", "BLOB_UNKNOWN")


@case("end-2", "pull")
def blob_of_another_repository(registry):
    pulled(registry, blob_of_another_repository)
    other = registry.repository("conformance/other")
    other.blob(b"not the same")
    other.get(f"blobs/{digest_of(b'layer blob_of_another_repository')}").is_(404)


@case("end-3", "pull")
def manifest_head_missing_tag(registry):
    pulled(registry, manifest_head_missing_tag)[0].peek("manifests/never").is_(404)


@case("end-3", "pull")
def manifest_get_missing_tag(registry):
    answer = pulled(registry, manifest_get_missing_tag)[0].get("manifests/never").is_(404)
    assert answer.code == "MANIFEST_UNKNOWN"


@case("end-3", "pull")
def manifest_head_missing_digest(registry):
    pulled(registry, manifest_head_missing_digest)[0].peek(f"manifests/{LOST}").is_(404)


@case("end-3", "pull")
def manifest_get_missing_digest(registry):
    answer = pulled(registry, manifest_get_missing_digest)[0].get(f"manifests/{LOST}").is_(404)
    assert answer.code == "MANIFEST_UNKNOWN"


@case("end-3", "pull")
def manifest_of_a_repository_that_is_none(registry):
    there = repository(registry, manifest_of_a_repository_that_is_none)
    for rights in ("pull,push", "pull"):
        there.head = registry.sign_in(f"repository:{there.name}:{rights}")
        there.peek("manifests/v1").is_(404)
        assert there.get("manifests/v1").is_(404).code in ("NAME_UNKNOWN", "MANIFEST_UNKNOWN")


@case("end-3", "pull")
def manifest_and_blob_of_a_repository_without_a_tag(registry):
    """Its owner, who asks to pull only, is given what is there, and 404 for what is not."""
    there = repository(registry, manifest_and_blob_of_a_repository_without_a_tag)
    there.blob(b"just pushed")
    there.head = registry.sign_in(f"repository:{there.name}:pull")
    assert there.get(f"blobs/{digest_of(b'just pushed')}").is_(200).body == b"just pushed"
    there.get("manifests/v1").is_(404)


@case("end-3", "pull")
def manifest_get_by_tag(registry):
    there, described, body = pulled(registry, manifest_get_by_tag)
    answer = there.get("manifests/v1").is_(200)
    assert (answer.body, answer.digest) == (body, described["digest"])
    assert answer.headers["Content-Type"] == IMAGE


@case("end-3", "pull")
def manifest_get_by_digest(registry):
    there, described, body = pulled(registry, manifest_get_by_digest)
    answer = there.get(f"manifests/{described['digest']}").is_(200)
    assert (answer.body, answer.digest) == (body, described["digest"])


@case("end-3", "pull")
def manifest_head_by_tag(registry):
    there, described, body = pulled(registry, manifest_head_by_tag)
    answer = there.peek("manifests/v1").is_(200)
    assert answer.digest == described["digest"] and answer.headers["Content-Length"] == str(len(body))


@case("end-3", "pull")
def manifest_head_by_digest(registry):
    there, described, _ = pulled(registry, manifest_head_by_digest)
    answer = there.peek(f"manifests/{described['digest']}").is_(200)
    assert answer.digest == described["digest"] and answer.headers["Content-Type"] == IMAGE


@case("end-3", "pull")
def manifest_of_a_reference_without_form(registry):
    there = pulled(registry, manifest_of_a_reference_without_form)[0]
    for reference in ("-v1", "v" * 129, "sha256:12", f"md5:{'0' * 32}", "v1%20"):
        there.peek(f"manifests/{reference}").is_(400, 404)


# ── push: blobs ──────────────────────────────────────────────────────────────────────────────────────────────────────


@case("end-4a", "push")
def upload_begins(registry):
    answer = repository(registry, upload_begins).ask("POST", "blobs/uploads/", b"").is_(202)
    assert answer.place and answer.headers["Content-Length"] in (None, "0")


@case("end-4a", "push")
def upload_post_put(registry):
    there = repository(registry, upload_post_put)
    answer = there.put(there.begin(), b"post and put").is_(201)
    assert there.ask("GET", answer.place).is_(200).body == b"post and put"


@case("end-4b", "push")
def upload_in_one_post(registry):
    there, data = repository(registry, upload_in_one_post), b"one post"
    answer = there.ask("POST", f"blobs/uploads/?digest={digest_of(data)}", data, Content_Type=BYTES).is_(201, 202)
    if answer.status == 202:  # it need not take it, and then says where it would (specification, "Single POST")
        there.put(answer.place, data).is_(201)
    assert there.get(f"blobs/{digest_of(data)}").is_(200).body == data


@case("end-4b", "push")
def upload_in_one_post_of_another_digest(registry):
    there = repository(registry, upload_in_one_post_of_another_digest)
    answer = there.ask("POST", f"blobs/uploads/?digest={LOST}", b"other", Content_Type=BYTES).is_(400, 202)
    assert answer.status == 400 or there.put(answer.place, b"other", LOST).is_(400)
    there.peek(f"blobs/{LOST}").is_(404)


@case("end-4b", "push")
def upload_in_one_post_of_a_digest_without_form(registry):
    there = repository(registry, upload_in_one_post_of_a_digest_without_form)
    for digest in ("sha256:12", "md5:0", "x"):
        there.ask("POST", f"blobs/uploads/?digest={digest}", b"x", Content_Type=BYTES).is_(400, 202)


@case("end-6", "push")
def upload_of_another_digest(registry):
    there = repository(registry, upload_of_another_digest)
    assert there.put(there.begin(), b"content", LOST).is_(400).code == "DIGEST_INVALID"
    there.peek(f"blobs/{LOST}").is_(404)


@case("end-6", "push")
def upload_of_a_digest_without_form(registry):
    there = repository(registry, upload_of_a_digest_without_form)
    for digest in ("sha256:12", f"md5:{'0' * 32}", f"sha256:{'G' * 64}", "nothing"):
        assert there.put(there.begin(), b"content", digest).is_(400).code == "DIGEST_INVALID"


@case("end-6", "push")
def upload_of_no_digest(registry):
    there = repository(registry, upload_of_no_digest)
    there.ask("PUT", there.begin(), b"content", Content_Type=BYTES).is_(400)


@case("end-6", "push")
def upload_of_nothing(registry):
    there = repository(registry, upload_of_nothing)
    there.put(there.begin(), b"").is_(201)
    answer = there.get(f"blobs/{digest_of(b'')}").is_(200)
    assert answer.body == b"" and answer.headers["Content-Length"] == "0"


@case("end-6", "push")
def upload_of_empty_json(registry):
    there = repository(registry, upload_of_empty_json)
    there.put(there.begin(), b"{}").is_(201)
    assert there.get(f"blobs/{digest_of(b'{}')}").is_(200).body == b"{}"


@case("end-6", "push")
def upload_of_the_same_again(registry):
    there = repository(registry, upload_of_the_same_again)
    for _ in range(2):
        there.put(there.begin(), b"the same").is_(201)


@case("end-6", "push")
def upload_of_megabytes(registry):
    there, data = repository(registry, upload_of_megabytes), bytes(range(256)) * 20_000
    there.put(there.begin(), data).is_(201)
    assert there.get(f"blobs/{digest_of(data)}").is_(200).body == data


@case("end-6", "push")
def upload_that_is_none(registry):
    there = repository(registry, upload_that_is_none)
    there.put(f"/v2/{there.name}/blobs/uploads/7e2d5b6c-0000-4000-8000-000000000000", b"x").is_(404)


@case("end-5", "push")
def chunk_and_close(registry):
    there = repository(registry, chunk_and_close)
    more = there.patch(there.begin(), b"a chunk", 0).is_(202)
    assert more.headers["Range"] == "0-6"
    there.ask("PUT", f"{more.place}&digest={digest_of(b'a chunk')}", b"").is_(201)
    assert there.get(f"blobs/{digest_of(b'a chunk')}").is_(200).body == b"a chunk"


@case("end-5", "push")
def chunks(registry):
    there, place = repository(registry, chunks), ""
    place = there.begin()
    for start, part in ((0, b"one "), (4, b"two "), (8, b"three")):
        answer = there.patch(place, part, start).is_(202)
        place = answer.place
        assert answer.headers["Range"] == f"0-{start + len(part) - 1}"
    there.ask("PUT", f"{place}&digest={digest_of(b'one two three')}", b"").is_(201)


@case("end-5", "push")
def chunks_with_the_last_in_the_close(registry):
    there = repository(registry, chunks_with_the_last_in_the_close)
    more = there.patch(there.begin(), b"one ", 0).is_(202)
    there.put(more.place, b"two", digest_of(b"one two"), Content_Range="4-6").is_(201)
    assert there.get(f"blobs/{digest_of(b'one two')}").is_(200).body == b"one two"


@case("end-5", "push")
def chunk_that_begins_late(registry):
    there = repository(registry, chunk_that_begins_late)
    there.patch(there.begin(), b"late", 5).is_(416)


@case("end-5", "push")
def chunk_out_of_order(registry):
    there = repository(registry, chunk_out_of_order)
    more = there.patch(there.begin(), b"0123", 0).is_(202)
    there.patch(more.place, b"89", 8).is_(416)


@case("end-5", "push")
def chunk_sent_again(registry):
    there = repository(registry, chunk_sent_again)
    more = there.patch(there.begin(), b"0123", 0).is_(202)
    there.patch(more.place, b"0123", 0).is_(416)


@case("end-5", "push")
def chunk_out_of_order_and_then_the_right_one(registry):
    there = repository(registry, chunk_out_of_order_and_then_the_right_one)
    more = there.patch(there.begin(), b"0123", 0).is_(202)
    there.patch(more.place, b"89", 8).is_(416)
    told = there.ask("GET", more.place).is_(204)
    assert told.headers["Range"] == "0-3"
    there.patch(told.place, b"4567", 4).is_(202)


@case("end-5", "push")
def stream(registry):
    """A part without a length or a place, as it comes."""
    there = repository(registry, stream)
    answer = there.patch(there.begin(), iter([b"as ", b"it ", b"comes"]), None, Transfer_Encoding="chunked").is_(202)
    there.ask("PUT", f"{answer.place}&digest={digest_of(b'as it comes')}", b"").is_(201)


@case("end-5", "push")
def chunk_of_an_upload_that_is_none(registry):
    there = repository(registry, chunk_of_an_upload_that_is_none)
    there.patch(f"/v2/{there.name}/blobs/uploads/7e2d5b6c-0000-4000-8000-000000000000", b"x", 0).is_(404)


@case("end-13", "push")
def upload_is_asked_for(registry):
    there = repository(registry, upload_is_asked_for)
    more = there.patch(there.begin(), b"01234", 0).is_(202)
    answer = there.ask("GET", more.place).is_(204)
    assert answer.headers["Range"] == "0-4" and answer.place


@case("end-13", "push")
def upload_that_is_none_is_asked_for(registry):
    there = repository(registry, upload_that_is_none_is_asked_for)
    there.ask("GET", "blobs/uploads/7e2d5b6c-0000-4000-8000-000000000000").is_(404)


@case("end-13", "push")
def upload_is_given_up(registry):
    there = repository(registry, upload_is_given_up)
    place = there.begin()
    there.ask("DELETE", place).is_(202, 204)
    there.ask("GET", place).is_(404)


@case("end-11", "push")
def mount(registry):
    source = registry.repository("conformance/source")
    blob = source.blob(b"to be mounted")
    there = repository(registry, mount, "conformance/source")
    answer = there.ask("POST", f"blobs/uploads/?mount={blob['digest']}&from={source.name}", b"").is_(201)
    assert there.ask("GET", answer.place).is_(200).body == b"to be mounted"


@case("end-11", "push")
def mount_of_what_is_not_there(registry):
    registry.repository("conformance/source").blob(b"to be mounted")
    there = repository(registry, mount_of_what_is_not_there, "conformance/source")
    answer = there.ask("POST", f"blobs/uploads/?mount={LOST}&from={registry.space}/conformance/source", b"").is_(202)
    there.put(answer.place, b"pushed instead").is_(201)


@case("end-11", "push")
def mount_from_nowhere(registry):
    there = repository(registry, mount_from_nowhere)
    blob = registry.repository("conformance/source").blob(b"to be mounted")
    answer = there.ask("POST", f"blobs/uploads/?mount={blob['digest']}", b"").is_(201, 202)
    if answer.status == 202:
        there.put(answer.place, b"to be mounted").is_(201)
    there.peek(f"blobs/{blob['digest']}").is_(200)


@case("end-11", "push")
def mount_of_a_digest_without_form(registry):
    source = registry.repository("conformance/source")
    there = repository(registry, mount_of_a_digest_without_form, "conformance/source")
    for digest in ("sha256:12", "nothing"):
        there.ask("POST", f"blobs/uploads/?mount={digest}&from={source.name}", b"").is_(400, 202)


# ── push: manifests ──────────────────────────────────────────────────────────────────────────────────────────────────


def kept(there, reference, manifest):
    """Pushes a manifest and has it back as it was."""
    answer, body = there.manifest(reference, manifest)
    assert answer.digest == digest_of(body) and answer.headers["Location"]
    assert there.get(f"manifests/{reference or digest_of(body)}").is_(200).body == body
    return answer, body


def parts(there, text="x"):
    return there.blob(json.dumps({"text": text}).encode(), CONFIG), [there.blob(f"layer {text}".encode())]


@case("end-7", "push")
def manifest_by_tag(registry):
    there = repository(registry, manifest_by_tag)
    kept(there, "v1", image(*parts(there)))


@case("end-7", "push")
def manifest_by_digest(registry):
    there = repository(registry, manifest_by_digest)
    kept(there, "", image(*parts(there)))


@case("end-7", "push")
def manifest_of_docker(registry):
    there = repository(registry, manifest_of_docker)
    config, layers = parts(there)
    config["mediaType"] = "application/vnd.docker.container.image.v1+json"
    layers[0]["mediaType"] = "application/vnd.docker.image.rootfs.diff.tar.gzip"
    kept(there, "v1", {"schemaVersion": 2, "mediaType": SCHEMA_2, "config": config, "layers": layers})


@case("end-7", "push")
def manifest_without_layers(registry):
    there = repository(registry, manifest_without_layers)
    kept(there, "v1", image(parts(there)[0], []))


@case("end-7", "push")
def manifest_with_fields_of_its_own(registry):
    there = repository(registry, manifest_with_fields_of_its_own)
    more = {"annotations": {"org.example.a": "b"}, "org.example.field": {"a": [1, 2]}}
    kept(there, "v1", image(*parts(there), **more))


@case("end-7", "push")
def manifest_with_blanks(registry):
    there = repository(registry, manifest_with_blanks)
    body = json.dumps(image(*parts(there)), indent=3).encode() + b"\n\n"
    kept(there, "v1", body)


@case("end-7", "push")
def manifest_with_data(registry):
    there = repository(registry, manifest_with_data)
    empty = {**there.blob(b"{}", EMPTY), "data": "e30="}
    kept(there, "v1", image(empty, [empty], artifactType="application/vnd.example.thing"))


@case("end-7", "push")
def manifest_of_an_artifact(registry):
    there = repository(registry, manifest_of_an_artifact)
    layer = there.blob(b"some text", "text/plain")
    kept(there, "v1", image(there.blob(b"{}", EMPTY), [layer], artifactType="application/vnd.example.thing"))


@case("end-7", "push")
def manifest_of_foreign_layers(registry):
    there = repository(registry, manifest_of_foreign_layers)
    foreign = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    layer = {"mediaType": foreign, "digest": LOST, "size": 12, "urls": ["https://example.com/layer"]}
    kept(there, "v1", image(parts(there)[0], [layer]))


@case("end-7", "push")
def manifest_of_many_letters(registry):
    there = repository(registry, manifest_of_many_letters)
    kept(there, "v1", image(*parts(there), annotations={"org.example.long": "x" * 1_000_000}))


@case("end-7", "push")
def manifest_too_large(registry):
    there = repository(registry, manifest_too_large)
    there.ask("PUT", "manifests/v1", b" " * 5_000_000, Content_Type=IMAGE).is_(400, 413)
    there.peek("manifests/v1").is_(404)


@case("end-7", "push")
def manifest_over_another(registry):
    there = repository(registry, manifest_over_another)
    first, _ = there.image("v1", "first")
    second, _ = there.image("v1", "second")
    assert there.peek("manifests/v1").is_(200).digest == second["digest"]
    there.peek(f"manifests/{first['digest']}").is_(200)


@case("end-7", "push")
def manifest_that_is_none(registry):
    there = repository(registry, manifest_that_is_none)
    for body in (b"", b"manifest", b"[]", b'{"schemaVersion": 2}'):
        there.ask("PUT", "manifests/v1", body, Content_Type=IMAGE).is_(400)


@case("end-7", "push")
def manifest_of_another_digest(registry):
    there = repository(registry, manifest_of_another_digest)
    body = json.dumps(image(*parts(there))).encode()
    assert there.ask("PUT", f"manifests/{LOST}", body, Content_Type=IMAGE).is_(400).code == "DIGEST_INVALID"


@case("end-7", "push")
def manifest_of_blobs_that_are_not_there(registry):
    there = repository(registry, manifest_of_blobs_that_are_not_there)
    lost = {"mediaType": LAYER, "digest": LOST, "size": 12}
    body = json.dumps(image(parts(there)[0], [lost])).encode()
    answer = there.ask("PUT", "manifests/v1", body, Content_Type=IMAGE)
    assert answer.is_(400, 404).code in ("MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_INVALID")


@case("end-7", "push")
def index_of_images(registry):
    there = repository(registry, index_of_images)
    images = [there.image("", text)[0] for text in ("one", "two")]
    kept(there, "v1", index(images))


@case("end-7", "push")
def index_of_an_index(registry):
    there = repository(registry, index_of_an_index)
    inner, _ = there.described("", index([there.image("", "inner")[0]]))
    kept(there, "v1", index([inner]))


@case("end-7", "push")
def index_of_nothing(registry):
    kept(repository(registry, index_of_nothing), "v1", index([]))


@case("end-7", "push")
def manifest_with_a_subject(registry):
    there = repository(registry, manifest_with_a_subject)
    subject, _ = there.image("v1", "subject")
    answer, _ = kept(there, "", image(*parts(there, "referrer"), subject=subject))
    assert answer.headers["OCI-Subject"] == subject["digest"]


@case("end-7", "push")
def manifest_with_a_subject_that_is_not_there(registry):
    there = repository(registry, manifest_with_a_subject_that_is_not_there)
    subject = {"mediaType": IMAGE, "digest": LOST, "size": 12}
    answer, _ = kept(there, "", image(*parts(there), subject=subject))
    assert answer.headers["OCI-Subject"] == LOST


@case("end-7", "push")
def index_with_a_subject(registry):
    there = repository(registry, index_with_a_subject)
    subject, _ = there.image("v1", "subject")
    answer, _ = kept(there, "", index([], subject=subject))
    assert answer.headers["OCI-Subject"] == subject["digest"]


@case("end-7", "push")
def signature_as_cosign_2_pushes_it(registry):
    """Without a subject, under a tag that says what it signs."""
    there = repository(registry, signature_as_cosign_2_pushes_it)
    signed, _ = there.image("v1", "signed")
    config, layer = there.blob(b"{}", CONFIG), there.blob(b'{"critical": {}}', SIMPLE_SIGNING)
    tag = f"{signed['digest'].replace(':', '-')}.sig"
    there.peek(f"manifests/{tag}").is_(404)
    kept(there, tag, image(config, [{**layer, "annotations": {"dev.cosignproject.cosign/signature": "c2lnbmVk"}}]))


SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"


@case("end-7", "push")
def referrers_by_the_fallbacks_tag(registry):
    """As a client keeps them where it found no referrers API, and reads them first where it finds none later."""
    there = repository(registry, referrers_by_the_fallbacks_tag)
    subject, _ = there.image("v1", "subject")
    made, _ = there.image("", "referrer", subject=subject)
    kept(there, subject["digest"].replace(":", "-"), index([made]))


# ── content discovery ────────────────────────────────────────────────────────────────────────────────────────────────


def many_tags(registry, function, *tags):
    there = repository(registry, function)
    config, layers = parts(there)
    for tag in tags:
        there.manifest(tag, image(config, layers))
    return there


@case("end-8a", "content discovery")
def tags(registry):
    there = many_tags(registry, tags, "v2", "v10", "latest", "a")
    answer = there.get("tags/list").is_(200).json
    assert answer == {"name": there.name, "tags": ["a", "latest", "v10", "v2"]}


@case("end-8a", "content discovery")
def tags_of_a_repository_that_is_none(registry):
    assert repository(registry, tags_of_a_repository_that_is_none).get("tags/list").is_(404).code == "NAME_UNKNOWN"


@case("end-8b", "content discovery")
def tags_a_few_at_a_time(registry):
    there = many_tags(registry, tags_a_few_at_a_time, "a", "b", "c", "d", "e")
    answer = there.get("tags/list?n=2").is_(200)
    assert answer.json["tags"] == ["a", "b"]
    assert 'rel="next"' in answer.headers["Link"] and f"/v2/{there.name}/tags/list" in answer.headers["Link"]


@case("end-8b", "content discovery")
def tags_after_one(registry):
    there = many_tags(registry, tags_after_one, "a", "b", "c", "d", "e")
    assert there.get("tags/list?n=2&last=b").is_(200).json["tags"] == ["c", "d"]
    assert there.get("tags/list?last=c").is_(200).json["tags"] == ["d", "e"]


@case("end-8b", "content discovery")
def tags_to_the_end(registry):
    there = many_tags(registry, tags_to_the_end, "a", "b", "c", "d", "e")
    path, found = "tags/list?n=2", []
    while path:
        answer = there.get(path).is_(200)
        found += answer.json["tags"]
        path = (answer.headers["Link"] or "").partition(">")[0].lstrip("<")
    assert found == ["a", "b", "c", "d", "e"]


@case("end-8b", "content discovery")
def tags_none_at_a_time(registry):
    there = many_tags(registry, tags_none_at_a_time, "a", "b")
    assert there.get("tags/list?n=0").is_(200).json["tags"] in ([], None)


def refers(answer):
    assert answer.is_(200).headers["Content-Type"] == INDEX
    told = answer.json
    assert (told["schemaVersion"], told["mediaType"]) == (2, INDEX)
    return told["manifests"]


BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"


@case("end-12a", "content discovery")
def referrers_of_nothing(registry):
    there = repository(registry, referrers_of_nothing)
    there.image("v1")
    assert refers(there.get(f"referrers/{LOST}")) == []


@case("end-12a", "content discovery")
def referrers(registry):
    there = repository(registry, referrers)
    subject, _ = there.image("v1", "subject")
    config, layers = parts(there, "sbom")
    made, _ = there.described(
        "", image(config, layers, subject=subject, artifactType="application/sbom", annotations={"a": "b"})
    )
    found = refers(there.get(f"referrers/{subject['digest']}"))
    assert found == [{**made, "artifactType": "application/sbom", "annotations": {"a": "b"}}]


@case("end-12a", "content discovery")
def referrers_by_their_config(registry):
    there = repository(registry, referrers_by_their_config)
    subject, _ = there.image("v1", "subject")
    config = there.blob(b'{"signed": 1}', "application/vnd.example.signature")
    made, _ = there.described("", image(config, [], subject=subject))
    found = refers(there.get(f"referrers/{subject['digest']}"))
    assert found == [{**made, "artifactType": "application/vnd.example.signature"}]


@case("end-12a", "content discovery")
def referrers_of_what_is_not_there(registry):
    there = repository(registry, referrers_of_what_is_not_there)
    lost = {"mediaType": IMAGE, "digest": digest_of(b"pushed later"), "size": 12}
    made, _ = there.image("", "early", subject=lost)
    assert [each["digest"] for each in refers(there.get(f"referrers/{lost['digest']}"))] == [made["digest"]]


@case("end-12a", "content discovery")
def referrers_that_are_indexes(registry):
    there = repository(registry, referrers_that_are_indexes)
    subject, _ = there.image("v1", "subject")
    made, _ = there.described("", index([], subject=subject, artifactType="application/list"))
    found = refers(there.get(f"referrers/{subject['digest']}"))
    assert found == [{**made, "artifactType": "application/list"}]


@case("end-12a", "content discovery")
def referrers_with_a_tag(registry):
    there = repository(registry, referrers_with_a_tag)
    subject, _ = there.image("v1", "subject")
    made, _ = there.image("signature", "signature", subject=subject)
    assert [each["digest"] for each in refers(there.get(f"referrers/{subject['digest']}"))] == [made["digest"]]


@case("end-12a", "content discovery")
def referrers_that_are_gone(registry):
    there = repository(registry, referrers_that_are_gone)
    subject, _ = there.image("v1", "subject")
    made, _ = there.image("", "signature", subject=subject)
    assert len(refers(there.get(f"referrers/{subject['digest']}"))) == 1
    there.ask("DELETE", f"manifests/{made['digest']}").is_(202)
    assert refers(there.get(f"referrers/{subject['digest']}")) == []


@case("end-12a", "content discovery")
def referrers_of_another_repository(registry):
    there, other = repository(registry, referrers_of_another_repository), registry.repository("conformance/others")
    subject, _ = there.image("v1", "subject")
    other.image("", "signature", subject=subject)
    assert refers(there.get(f"referrers/{subject['digest']}")) == []


@case("end-12a", "content discovery")
def referrers_of_a_digest_without_form(registry):
    there = repository(registry, referrers_of_a_digest_without_form)
    there.image("v1")
    there.get("referrers/sha256:12").is_(400)


@case("end-12a", "content discovery")
def referrers_as_cosign_3_pushes_them(registry):
    """A bundle: its config is the empty one, its kind has a plus sign, its annotations say what was signed."""
    there = repository(registry, referrers_as_cosign_3_pushes_them)
    subject, _ = there.image("v1", "subject")
    empty, bundle = there.blob(b"{}", EMPTY), there.blob(b'{"mediaType": "bundle"}', BUNDLE)
    notes = {"dev.sigstore.bundle.content": "dsse-envelope"}
    body = image(empty, [bundle], subject=subject, artifactType=BUNDLE, annotations=notes)
    answer, sent = kept(there, "", body)
    assert answer.headers["OCI-Subject"] == subject["digest"]  # so it pushes no index under the fallback's tag
    made = {"mediaType": IMAGE, "digest": digest_of(sent), "size": len(sent)}
    found = refers(there.get(f"referrers/{subject['digest']}?artifactType={quote(BUNDLE, safe='')}"))
    assert found == [{**made, "artifactType": BUNDLE, "annotations": notes}]


@case("end-12b", "content discovery")
def referrers_of_a_kind_with_a_plus_sign_as_it_is(registry):
    """Not every client encodes it; in a form it would be a space, which no media type has."""
    there = repository(registry, referrers_of_a_kind_with_a_plus_sign_as_it_is)
    subject, _ = there.image("v1", "subject")
    for kind in (BUNDLE, "application/two"):
        there.image("", kind, subject=subject, artifactType=kind)
    found = refers(there.get(f"referrers/{subject['digest']}?artifactType={BUNDLE}"))
    assert [each["artifactType"] for each in found] == [BUNDLE]


@case("end-12b", "content discovery")
def referrers_of_a_kind(registry):
    there = repository(registry, referrers_of_a_kind)
    subject, _ = there.image("v1", "subject")
    for kind in ("application/one", "application/two"):
        there.image("", kind, subject=subject, artifactType=kind)
    answer = there.get(f"referrers/{subject['digest']}?artifactType=application%2Ftwo")
    assert [each["artifactType"] for each in refers(answer)] == ["application/two"]
    assert answer.headers["OCI-Filters-Applied"] == "artifactType"


# ── content management ───────────────────────────────────────────────────────────────────────────────────────────────


@case("end-9", "content management")
def delete_of_a_manifest_without_a_tag(registry):
    there = repository(registry, delete_of_a_manifest_without_a_tag)
    made, _ = there.image("", "gone")
    there.ask("DELETE", f"manifests/{made['digest']}").is_(202)
    there.peek(f"manifests/{made['digest']}").is_(404)


@case("end-9", "content management")
def delete_of_a_manifest_with_a_tag(registry):
    there = repository(registry, delete_of_a_manifest_with_a_tag)
    made, _ = there.image("v1", "gone")
    there.ask("DELETE", f"manifests/{made['digest']}").is_(202)
    there.peek("manifests/v1").is_(404)


@case("end-9", "content management")
def delete_of_a_manifest_that_is_none(registry):
    there = repository(registry, delete_of_a_manifest_that_is_none)
    there.image("v1")
    there.ask("DELETE", f"manifests/{LOST}").is_(404)


@case("end-9", "content management")
def delete_of_a_tag(registry):
    there = repository(registry, delete_of_a_tag)
    made, _ = there.image("v1")
    answer = there.ask("DELETE", "manifests/v1").is_(202, 400, 405)  # it need not do it
    there.peek("manifests/v1").is_(404 if answer.status == 202 else 200)
    there.peek(f"manifests/{made['digest']}").is_(200)


@case("end-10", "content management")
def delete_of_a_blob(registry):
    there = repository(registry, delete_of_a_blob)
    blob = there.blob(b"to be deleted")
    there.ask("DELETE", f"blobs/{blob['digest']}").is_(202)
    there.peek(f"blobs/{blob['digest']}").is_(404)


@case("end-10", "content management")
def delete_of_a_blob_that_is_none(registry):
    there = repository(registry, delete_of_a_blob_that_is_none)
    there.blob(b"another")
    there.ask("DELETE", f"blobs/{LOST}").is_(404)


@case("end-10", "content management")
def delete_of_a_digest_without_form(registry):
    there = repository(registry, delete_of_a_digest_without_form)
    there.blob(b"another")
    there.ask("DELETE", "blobs/sha256:12").is_(400, 404, 405)
    there.ask("DELETE", "manifests/sha256:12").is_(400, 404, 405)


# ── other algorithms ─────────────────────────────────────────────────────────────────────────────────────────────────


@case("end-6", "push")
def blob_by_sha512(registry):
    there, data = repository(registry, blob_by_sha512), b"of a longer digest"
    there.put(there.begin(), data, digest_of(data, "sha512")).is_(201)
    assert there.get(f"blobs/{digest_of(data, 'sha512')}").is_(200).digest == digest_of(data, "sha512")


@case("end-7", "push")
def manifest_by_sha512(registry):
    there = repository(registry, manifest_by_sha512)
    body = json.dumps(image(*parts(there))).encode()
    reference = digest_of(body, "sha512")
    there.ask("PUT", f"manifests/{reference}", body, Content_Type=IMAGE).is_(201)
    assert there.get(f"manifests/{reference}").is_(200).body == body
