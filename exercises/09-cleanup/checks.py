from labkit.content.check import check, fail
from labkit.content.facts import cleaning, retaining
from labkit.content.facts.words import short
from labkit.content.scope import Scope
from labkit.seen.depot import NAMES, Depot, Ran, RetentionTrial, Tried

REPOSITORY = "shop"
DELETE, BACK = "v1.0.0", "demo"
OTHERS = ("v1.1.0", "v1.2.0", "v1.3.0", "latest")
SCRIPT = "/srv/retention"
NODE = "worker1"
LAST_WORDS = 200
"""Letters of what a script printed last that are shown."""


def pushed(held: Depot) -> set[str]:
    """The tags that were pushed here."""
    return {one.reference for one in held.changes if one.action == "push" and one.ok}


def depot(lab: Scope) -> Depot:
    """The registry, which must be there."""
    if not lab.depot.there:
        fail("depot-part-missing", expected="the machine depot", found="no such machine")
    return lab.depot


@check(
    points=1,
    hints=[
        "A registry deletes a manifest, not a tag. Which digest does v1.0.0 lead to?",
        "curl --head shows the digest of a tag in the header Docker-Content-Digest. Ask with the Accept line of the lesson.",
        "curl -X DELETE http://localhost:5000/v2/shop/manifests/sha256:…, on the machine depot",
    ],
)
def deleted(lab: Scope) -> str:
    """1 · The image shop:v1.0.0 is deleted by its digest; all versions after it are there."""
    held = depot(lab)
    tags = held.tags(REPOSITORY)
    if missing := [tag for tag in OTHERS if tag not in tags]:
        fail("depot-too-much", expected=list(OTHERS), found=sorted(tags), missing=", ".join(missing))
    if DELETE in tags:
        refused = [one for one in held.changes if one.action == "delete" and one.reference == DELETE]
        fail("depot-by-tag" if refused else "depot-not-deleted", expected=f"no {DELETE}", found=sorted(tags))
    if not held.deleted:
        fail("depot-only-untagged", expected="a deletion by digest", found=f"no {DELETE}, and no deletion")
    if (same := tags.get(BACK, "")) and same not in held.deleted and BACK not in pushed(held):
        fail(
            "depot-only-untagged",
            expected="a deletion by its digest",
            found=f"{BACK} is still {short(same)}, the same image",
        )
    return f"{', '.join(map(short, sorted(held.deleted)))} was deleted; {', '.join(sorted(tags))} are there"


@check(
    points=1,
    needs=["deleted"],
    hints=[
        "The disk is as full as before. A deletion takes the manifest away, not its layers.",
        "docker-registry garbage-collect frees the blobs that no manifest uses. --dry-run shows them first.",
        "docker-registry garbage-collect /etc/docker/registry/config.yml, on the machine depot, without -m",
    ],
)
def collected(lab: Scope) -> str:
    """2 · The garbage is collected, and every image that stays is whole."""
    held = depot(lab)
    for tag, digest in sorted(held.tags(REPOSITORY).items()):
        if tag != BACK and (lacking := held.lacking(digest)):
            fail("depot-broken", expected=f"{tag} is whole", found=[short(one) for one in lacking], tag=tag)
    left = [digest for digest in held.deleted if digest in held.blobs and not held.has(digest)]
    left += [held.broken_off] if held.broken_off in held.blobs else []
    if left:
        fail("depot-not-collected", expected="no blob without an image", found=[short(one) for one in left])
    return f"{len(held.blobs)} blobs with {held.size / 1e6:.1f} MB are left"


@check(
    points=2,
    needs=["collected"],
    hints=[
        "demo was the same image, so it went too. Its archive is /srv/demo.tar.",
        "Push it, then pull it again as somebody else would. The registry believes in what it remembers.",
        "Take the two lines of cache out of config.yml, pkill docker-registry, and push once more with skopeo copy",
    ],
)
def put_back(lab: Scope) -> str:
    """3 · demo is back, and can be pulled: the registry has each part of it."""
    held = depot(lab)
    digest = held.tags(REPOSITORY).get(BACK, "")
    if not held.running:
        fail("depot-down", expected="an answer at localhost:5000", found="nothing answers on depot")
    if not digest:
        fail("depot-not-back", expected=f"{REPOSITORY}:{BACK}", found=sorted(held.tags(REPOSITORY)))
    if digest not in held.deleted:
        expected = [short(one) for one in sorted(held.deleted)]
        fail("depot-other-image", expected=expected, found=f"{BACK} is {short(digest)}")
    if lacking := held.lacking(digest):
        found = [short(one) for one in lacking]
        fail("depot-pushed-broken", expected="every part of it", found=found, tag=BACK)
    return f"{BACK} is {short(digest)}, with {len(held.manifests[digest])} blobs"


def trial(lab: Scope) -> RetentionTrial:
    """The last trial, which must be of the script as it is now."""
    held = depot(lab)
    if not held.script:
        fail("retention-no-script", expected=SCRIPT, found="no such file")
    if held.trial is None or held.trial.script != held.script:
        fail("retention-untried", expected="a trial of the script as it is now", found="no trial of it")
    return held.trial


def whole(found: RetentionTrial) -> None:
    """The trial must have been on all registries."""
    if missing := [name for name in NAMES if name not in (one.name for one in found.registries)]:
        fail("retention-untried", expected=f"a trial on {', '.join(NAMES)}", found=f"none on {', '.join(missing)}")


def last_words(ran: Ran) -> str:
    return ran.output.strip()[-LAST_WORDS:] or "it printed nothing"


@check(
    points=1,
    hints=[
        "The script lies on the machine depot, and is a file that can be run.",
        "Its first line says what runs it: #!/bin/sh or #!/usr/bin/env python3.",
        "%%on depot, cat > /srv/retention <<'END' … END, then chmod +x /srv/retention. Then press Check",
    ],
)
def tried(lab: Scope) -> str:
    """4 · Your script /srv/retention runs, and comes to an end, on each registry."""
    found = trial(lab)
    for one in found.registries:
        for ran in filter(None, (one.first, one.second)):
            if not ran.ended:
                fail(WHY[ran.why], expected="a run that ends", found=last_words(ran), registry=one.name)
    return ", ".join(f"{one.name}: {one.first.deleted} deleted" for one in found.registries)


WHY = {"start": "retention-not-runnable", "time": "retention-hangs", "output": "retention-floods"}
"""{why a run was ended: the diagnosis}"""


def outcomes(found: RetentionTrial) -> list[retaining.Outcome]:
    """What the first run did wrong on each registry. It must have deleted something somewhere."""
    if not any(one.first.gone or one.first.untagged for one in found.registries):
        refused = [line for one in found.registries for line in one.first.refused]
        if refused:
            fail("retention-by-tag", expected="images that are gone", found=refused[0])
        first = found.registries[0].first
        if all(not one.first.well for one in found.registries):
            fail("retention-ends-early", expected="images that are gone", found=last_words(first), code=first.code)
        fail("retention-deletes-nothing", expected="images that are gone", found=last_words(first))
    return [retaining.outcome(one, one.first) for one in found.registries]


@check(
    points=3,
    needs=["tried"],
    hints=[
        "Decide by digests: one that is worth keeping for any reason is kept, whatever other tags it has.",
        "v1.10.0 comes after v1.9.0: sort -V knows. What is deployed is in the file; sha256-….sig names what is signed.",
        "First write down each tag with its digest, then the digests to keep with the parts of indexes, then delete the others",
    ],
)
def keeps(lab: Scope) -> str:
    """5 · It keeps the last three versions, what is deployed, what is signed, and what these need."""
    found = trial(lab)
    for seen in outcomes(found):
        retaining.nothing_is_lost(seen)
    whole(found)
    return f"on {len(found.registries)} registries nothing is lost"


@check(
    points=3,
    needs=["tried"],
    hints=[
        "What is neither a kept version, nor deployed, nor signed, nor a part of those, has to go.",
        "Read every page of the tags (skopeo list-tags does), and ask for indexes too: the Accept line of the lesson.",
        "curl -X DELETE http://$1/v2/$2/manifests/DIGEST for each digest that is not on your list",
    ],
)
def deletes(lab: Scope) -> str:
    """6 · It deletes the rest, by digest."""
    found = trial(lab)
    for seen in outcomes(found):
        retaining.nothing_is_left(seen)
    whole(found)
    return f"{sum(one.first.deleted for one in found.registries)} images are deleted"


@check(
    points=2,
    needs=["deletes"],
    hints=[
        "A rule runs every night. Most nights there is nothing to delete, and that is no error.",
        "grep ends with 1 if it finds nothing, and set -e ends the script then. Print $? after a run.",
        "grep … || true where finding nothing is fine; exit 0 at the end",
    ],
)
def repeatable(lab: Scope) -> str:
    """7 · It ends with status 0, and a second run deletes nothing more."""
    found = trial(lab)
    for one in found.registries:
        if not one.first.well:
            values = {"registry": one.name, "code": one.first.code}
            fail("retention-failed", expected="status 0", found=last_words(one.first), **values)
        if one.second is None:
            continue
        if more := sorted({*one.second.gone} - {*one.first.gone}):
            seen = retaining.Outcome(one, one.second, {}, ())
            images = seen.names([seen.image(digest) for digest in more])
            fail("retention-again-more", expected="nothing more is deleted", found=images, registry=one.name)
        if not one.second.well:
            values = {"registry": one.name, "code": one.second.code}
            fail("retention-again-failed", expected="status 0", found=last_words(one.second), **values)
    whole(found)
    return "twice on each registry, with status 0"


@check(
    points=2,
    needs=["deletes"],
    hints=[
        "Between your look and your deletion a pipeline may push, and a tag may come to lead to another image.",
        "Note each tag's digest before the first deletion, and delete these digests, not what the tag leads to by then.",
        "curl -X DELETE …/manifests/DIGEST with the noted digest; skopeo delete …:TAG looks the tag up again",
    ],
)
def beside_push(lab: Scope) -> str:
    """8 · What is pushed while it runs survives."""
    found = trial(lab)
    whole(found)
    one = busy(found)
    assert one.pushed is not None
    if one.pushed.digest in one.first.gone:
        tags = " = ".join(one.pushed.tags)
        fail("retention-late-look", expected=f"{tags} is there", found="it was deleted", tags=tags)
    if moved := [tag for tag in one.pushed.tags if tag in one.first.untagged]:
        fail("retention-took-tags", expected=list(one.pushed.tags), found=moved, tags=", ".join(moved))
    return f"{one.pushed.tags[0]}, pushed as it began to delete, is there"


def busy(found: RetentionTrial) -> Tried:
    """The registry to which something was pushed."""
    return next(one for one in found.registries if one.pushed)


@check(
    points=1,
    hints=[
        "A node keeps every image that it has pulled, until somebody removes it. docker image ls shows them.",
        "docker image prune takes images without a name. With -a it takes all that no container uses.",
        "docker --context worker1 image prune -a",
    ],
)
def pruned(lab: Scope) -> str:
    """9 · worker1 has rid itself of an image that it once pulled, and has only what its containers use."""
    return cleaning.is_pruned(lab, NODE)
