"""What a retention script should have kept, and which mistake explains what it did. It keeps the last three versions, what
is deployed, what is signed, and what these need; the rest goes.

A version is a tag vMAJOR.MINOR.PATCH, compared by its numbers. A pre-release (v1.2.0-rc.1) is none, and a tag such as latest
keeps nothing by itself. cosign keeps the signature of sha256:HEX under the tag sha256-HEX.sig, in the same repository.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from labkit.content.check import fail
from labkit.seen.depot import Held, Ran, Tried

VERSION = re.compile(r"v(\d+)\.(\d+)\.(\d+)")
PRE_RELEASE = re.compile(r"v\d+\.\d+\.\d+-(?:alpha|beta|rc).*")
SIGNATURE = re.compile(r"sha256-([0-9a-f]{64})\.sig")
LAST = 3
"""Versions that are kept."""

VERSIONED, DEPLOYED, SIGNED, SIGNING, PART = "version", "deployed", "signed", "signature", "part"
"""Why an image is kept."""


def numbers(tag: str) -> tuple[int, ...]:
    """A version's numbers, by which versions are compared; none for a tag that is no version."""
    found = VERSION.fullmatch(tag)
    return tuple(map(int, found.groups())) if found else ()


def signed_by(tag: str) -> str:
    """The digest that the signature with this tag is of, or ""."""
    found = SIGNATURE.fullmatch(tag)
    return f"sha256:{found[1]}" if found else ""


def kept(images: Iterable[Held], deployed: Iterable[str]) -> dict[str, str]:
    """{digest: why it is kept} of these images."""
    held = {image.digest: image for image in images}
    tags = {tag: image.digest for image in held.values() for tag in image.tags}
    found: dict[str, str] = {}
    for tag in sorted(filter(numbers, tags), key=numbers)[-LAST:]:
        found.setdefault(tags[tag], VERSIONED)
    for digest in deployed:
        if digest in held:
            found.setdefault(digest, DEPLOYED)
    for tag in tags:
        if signed_by(tag) in held:
            found.setdefault(signed_by(tag), SIGNED)
    waiting = list(found)
    while waiting:
        for part in held[waiting.pop()].lists:
            if part in held and part not in found:
                found[part] = PART
                waiting.append(part)
    for tag, digest in tags.items():
        if signed_by(tag) in found:
            found.setdefault(digest, SIGNING)
    return found


def after_push(tried: Tried) -> tuple[Held, ...]:
    """The images once the push has come in, which moved tags to its own image."""
    if tried.pushed is None:
        return tried.images
    moved = tried.pushed.tags
    others = (
        msgspec.structs.replace(one, tags=tuple(tag for tag in one.tags if tag not in moved)) for one in tried.images
    )
    return (*others, Held(digest=tried.pushed.digest, tags=moved, lists=(), created="9999"))


@dataclass(frozen=True)
class Outcome:
    """What a run did wrong: `lost` has why each image should have been kept, `left` the images that should have gone."""

    tried: Tried
    ran: Ran
    lost: dict[str, str]
    left: tuple[Held, ...]

    def image(self, digest: str) -> Held:
        return next(one for one in self.tried.images if one.digest == digest)

    def names(self, images: Iterable[Held]) -> list[str]:
        """As people read it: an image by its tags, or by its digest where it has none."""
        return [" = ".join(map(short, one.tags)) or one.digest[:19] for one in images]


def short(tag: str) -> str:
    """A signature's tag without most of its letters."""
    return f"{tag[:14]}….sig" if SIGNATURE.fullmatch(tag) else tag


def outcome(tried: Tried, ran: Ran) -> Outcome:
    """What it did wrong. Where a push came in between, only what is true before and after it is judged."""
    gone = {*ran.gone}
    nameless = {image.digest for image in tried.images if image.tags and {*image.tags} <= {*ran.untagged}}
    before = kept(tried.images, tried.deployed)
    later = after_push(tried) if ran.pushed else tried.images
    after = kept(later, tried.deployed)
    tagged = {image.digest for image in later if image.tags}
    lost = {digest: why for digest, why in before.items() if digest in after and digest in gone | nameless}
    left = tuple(
        image
        for image in tried.images
        if image.digest in tagged and not {image.digest} & (before.keys() | after.keys() | gone)
    )
    return Outcome(tried, ran, lost, left)


# ── which mistake it is ──────────────────────────────────────────────────────────────────────────────────────────────

Guess = Callable[[Outcome], list[Held]]
"""The images by which a mistake shows; none where it is another mistake."""


def _lost(seen: Outcome, *why: str) -> list[Held]:
    return [seen.image(digest) for digest, reason in seen.lost.items() if reason in why]


def _tags(seen: Outcome, fits: Callable[[str], object]) -> list[str]:
    return [tag for image in seen.tried.images for tag in image.tags if fits(tag)]


def _survives(seen: Outcome, tags: Iterable[str]) -> bool:
    """Whether the images of all these tags are there."""
    there = {tag for image in seen.tried.images if image.digest not in seen.ran.gone for tag in image.tags}
    return {*tags} <= there


def _all_gone(seen: Outcome) -> list[Held]:
    wanted = kept(seen.tried.images, seen.tried.deployed)
    return _lost(seen, *REASONS) if seen.lost.keys() == wanted.keys() else []


def _by_letters(seen: Outcome) -> list[Held]:
    """Versions lost, while those are there that come last by their letters, with pre-releases among them or without."""
    lost = _lost(seen, VERSIONED)
    versions = _tags(seen, numbers)
    mixed = [*versions, *_tags(seen, PRE_RELEASE.fullmatch)]
    return lost if any(_survives(seen, sorted(tags)[-LAST:]) for tags in (versions, mixed)) else []


def _pre_releases(seen: Outcome) -> list[Held]:
    """Versions lost, while those are there that come last if pre-releases count as versions."""
    lost = _lost(seen, VERSIONED)
    pre_releases = _tags(seen, PRE_RELEASE.fullmatch)
    mixed = [*_tags(seen, numbers), *pre_releases]
    last = sorted(mixed, key=lambda tag: numbers(tag.partition("-")[0]))[-LAST:]
    return lost if {*last} & {*pre_releases} and _survives(seen, last) else []


def _by_date(seen: Outcome) -> list[Held]:
    """Versions lost, while those are there that were made last."""
    lost = _lost(seen, VERSIONED)
    versions = [image for image in seen.tried.images if any(map(numbers, image.tags))]
    newest = sorted(versions, key=lambda image: image.created)[-LAST:]
    return lost if _survives(seen, [tag for image in newest for tag in image.tags]) else []


def _shared(seen: Outcome) -> list[Held]:
    """Images lost that have a further tag, by which they were taken for the rest; the others with such a reason are there."""
    lost = _lost(seen, VERSIONED, DEPLOYED)
    others = [one for one in lost if len(one.tags) == 1]
    return [] if others else lost


def _of(*why: str) -> Guess:
    return lambda seen: _lost(seen, *why)


REASONS = (VERSIONED, DEPLOYED, SIGNED, SIGNING, PART)
LOSSES: dict[str, Guess] = {
    "all": _all_gone,
    "shared": _shared,
    "letters": _by_letters,
    "pre-release": _pre_releases,
    "dates": _by_date,
    VERSIONED: _of(VERSIONED),
    DEPLOYED: _of(DEPLOYED),
    SIGNED: _of(SIGNED),
    SIGNING: _of(SIGNING),
    PART: _of(PART),
}
"""{why images were lost: by what it shows}; the first that shows is told."""

LOST_TOLD = {
    "all": "retention-all-gone",
    "letters": "retention-letters",
    "pre-release": "retention-pre-release",
    "dates": "retention-dates",
    "shared": "retention-shared",
    VERSIONED: "retention-version",
    DEPLOYED: "retention-deployed",
    SIGNED: "retention-signed",
    SIGNING: "retention-signature",
    PART: "retention-part",
}


def _untagged(seen: Outcome) -> list[Held]:
    """Images left whose tags are gone."""
    return [one for one in seen.left if {*one.tags} <= {*seen.ran.untagged}]


def _first_page(seen: Outcome) -> list[Held]:
    """Images left, where of the first page of tags none is left, and of the others none is gone."""
    page = {*sorted(tag for image in seen.tried.images for tag in image.tags)[: seen.tried.page]}
    beyond = {image.digest for image in seen.tried.images if not {*image.tags} & page}
    first_only = page and not beyond & {*seen.ran.gone} and all(one.digest in beyond for one in seen.left)
    return list(seen.left) if first_only else []


def _only(fits: Callable[[Held], bool]) -> Guess:
    return lambda seen: list(seen.left) if all(map(fits, seen.left)) else []


LEFT: dict[str, Guess] = {
    "untagged": _untagged,
    "page": _first_page,
    "orphan": _only(lambda one: any(map(signed_by, one.tags))),
    "indexes": _only(lambda one: bool(one.lists)),
    "pre-release": _only(lambda one: any(map(PRE_RELEASE.fullmatch, one.tags))),
    "latest": _only(lambda one: "latest" in one.tags),
    "any": lambda seen: list(seen.left),
}
"""{why images are left: by what it shows}; the first that shows is told."""

LEFT_TOLD = {
    "untagged": "retention-only-untagged",
    "page": "retention-first-page",
    "orphan": "retention-orphan",
    "indexes": "retention-indexes",
    "pre-release": "retention-pre-release-left",
    "latest": "retention-latest",
    "any": "retention-left",
}


def nothing_is_lost(seen: Outcome) -> None:
    """Every image is there that is to be kept."""
    if mistake := _mistake(LOSSES, seen):
        why, images = mistake
        fail(LOST_TOLD[why], expected="they are kept", found=images, registry=seen.tried.name)


def nothing_is_left(seen: Outcome) -> None:
    """No image is there that is not to be kept."""
    if mistake := _mistake(LEFT, seen):
        why, images = mistake
        fail(LEFT_TOLD[why], expected="they are deleted", found=images, registry=seen.tried.name)


def _mistake(guesses: dict[str, Guess], seen: Outcome) -> tuple[str, list[str]] | None:
    """Which mistake it is, and the images by which it shows; None where there is nothing wrong of this kind."""
    found = ((name, guess(seen)) for name, guess in guesses.items())
    return next(((name, seen.names(images)) for name, images in found if images), None)
