"""The registries of a trial: sixty images each, in one repository, and what is deployed. Runs on the machine `depot`.

Each has what scripts stumble over. Which image is to be kept is judged by others (labkit/content/facts/retaining.py), by what
is told here.
"""

from dataclasses import dataclass, field

from seed import Image, image, index, layer, signature, signing

MANY = 60
BASE = layer("base", 4000)
FIRST_DAY = 20_000
"""Days since 1970."""


@dataclass
class Registry:
    """A throw-away registry. `tags` are {tag: image}; `pushed` is pushed while the script deletes, under these tags."""

    name: str
    repository: str
    tags: dict[str, Image]
    deployed: list[str]
    untagged: list[Image] = field(default_factory=list)
    """Images that only an index lists."""
    page: int = 0
    """Tags that it tells at once; 0 for all of them."""
    pushed: Image | None = None
    pushed_tags: tuple[str, ...] = ()

    @property
    def images(self) -> list[Image]:
        return list({one.digest: one for one in (*self.tags.values(), *self.untagged)}.values())


def day(number: int) -> str:
    """A time of creation: so many days after the first image."""
    years, rest = divmod(number, 336)
    return f"{2024 + years}-{rest // 28 + 1:02}-{rest % 28 + 1:02}T12:00:00Z"


def made(name: str, version: str, age: int) -> Image:
    return image([BASE, layer(f"{name}-{version}", 300)], day(age))


def versions(name: str, *words: str) -> dict[str, Image]:
    """An image for each of these tags, each a day younger than the one before."""
    return {word: made(name, word, age) for age, word in enumerate(words)}


def filled(name: str, tags: dict[str, Image], images: int = MANY) -> dict[str, Image]:
    """With builds of single commits beside, so that there are so many images."""
    age = 100
    while len({one.digest for one in tags.values()}) < images:
        word = f"build-{age:04}"
        tags[word] = made(name, word, age)
        age += 1
    return tags


def signed(tags: dict[str, Image], *whose: str) -> None:
    for tag in whose:
        digest = tags[tag].digest
        tags[signing(digest)] = signature(digest, day(300))


def plain() -> Registry:
    """Versions whose order is not that of their letters, nor of their dates; pre-releases; a signed one, a deployed one."""
    tags = versions("plain", *(f"v1.{minor}.0" for minor in (*range(11), 12)))
    tags |= {"v1.8.1": made("plain", "v1.8.1", 400), "v0.9.12": made("plain", "v0.9.12", 401)}  # mended last week
    tags |= {word: made("plain", word, 60) for word in ("v1.13.0-rc.1", "v1.13.0-beta", "v1.12.0-rc.2", "v2.0.0-alpha")}
    tags["latest"] = tags["v1.12.0"]
    signed(tags, "v1.2.0", "v1.12.0")
    tags[signing(made("plain", "gone", 5).digest)] = signature(made("plain", "gone", 5).digest, day(6))
    return Registry("plain", "shop", filled("plain", tags), [tags["v1.4.0"].digest])


def shared() -> Registry:
    """Several names of one image: some are worth keeping, some are not."""
    tags = versions("shared", *(f"v2.{minor}.0" for minor in range(8, 14)))
    tags |= {"nightly": tags["v2.12.0"], "build-0001": tags["v2.13.0"], "a-test": tags["v2.11.0"]}
    tags |= {"v3.0.0-rc.1": made("shared", "rc", 50)}
    tags |= {"edge": tags["v3.0.0-rc.1"], "latest": made("shared", "latest", 51)}
    tags |= {"v0.1.0": made("shared", "v0.1.0", 0)}
    tags |= {"old": tags["v0.1.0"], "customer-7": tags["v2.8.0"]}
    signed(tags, "v2.9.0")
    return Registry("shared", "team/web", filled("shared", tags), [tags["v0.1.0"].digest, tags["v2.8.0"].digest])


def indexes() -> Registry:
    """Images for two kinds of processor: an index, and its parts, which have tags of their own."""
    tags: dict[str, Image] = {}
    untagged: list[Image] = []
    for minor in range(1, 13):
        parts = {kind: made("indexes", f"v1.{minor}.0-{kind}", minor) for kind in ("amd64", "arm64")}
        tags[f"v1.{minor}.0"] = index(parts, day(minor))
        if minor % 2:
            untagged += parts.values()
        else:
            tags |= {f"v1.{minor}.0-{kind}": part for kind, part in parts.items()}
    tags["latest"] = tags["v1.12.0"]
    signed(tags, "v1.2.0")
    deployed = [tags["v1.4.0"].digest, tags["v1.5.0"].digest]
    return Registry("indexes", "shop", filled("indexes", tags, MANY - len(untagged)), deployed, untagged)


def busy() -> Registry:
    """One that tells its tags page by page, and to which a release is pushed as soon as the script begins to delete."""
    tags = versions("busy", *(f"v{number}.0.0" for number in range(1, 13)), "candidate", "nightly", "testing", "qa")
    signed(tags, "v3.0.0")
    new = made("busy", "v13.0.0", 500)
    moved = ("candidate", "nightly", "qa", "testing")
    everything = filled("busy", tags)
    return Registry(
        *("busy", "shop", everything, [tags["v5.0.0"].digest]), page=25, pushed=new, pushed_tags=("v13.0.0", *moved)
    )


def every() -> list[Registry]:
    return [plain(), shared(), indexes(), busy()]
