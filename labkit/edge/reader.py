"""A registry of the learner's own, read as any client reads one: by the API of the OCI distribution specification.

The lab's own registries are read from the store's folder (shelf.py); of this one nothing is known but its address. What it
tells is bounded, and believed only where the bytes have the digest under which they were asked for. Its certificate is not
verified: it is the learner's own, and whom it names is no matter of grading.
"""

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
from yarl import URL

from .grammar import DIGEST, TAG, is_digest, is_repository
from .summary import IMAGES, INDEXES, LARGEST, Summaries, Summary, config_of, parse, summary, unknown

AGENT = "labkit-grader"
"""As which the edge asks, so that the registry's own log tells its questions from the learner's."""

SECONDS = 4.0
"""In which a registry must have told everything: labkit waits five for the edge."""

REPOSITORIES, TAGS, MANIFESTS, BYTES = 500, 2000, 2000, 64 * 1024**2
"""Of one registry; BYTES is all that it answers together. One that holds more is told as unobserved, not read in part."""

AT_ONCE = 16
"""Questions to one registry at the same time."""

ACCEPT = ", ".join((*IMAGES, *INDEXES))

T = TypeVar("T")


class Unreadable(Exception):
    """The registry did not tell what it holds; says why, and names no secret."""


@dataclass(frozen=True)
class Address:
    """Where a registry answers, and who asks. `key` is host:port."""

    key: str
    url: URL
    authorization: str = field(default="", repr=False)
    """The header's value, "" for none."""

    @classmethod
    def parse(cls, text: str) -> "Address":
        """`http[s]://[user:password@]host[:port]`. Raises ValueError, whose words do not repeat the text."""
        try:
            url = URL(text)
            sound = url.scheme in ("http", "https") and url.host and url.port and url.path in ("", "/")
        except ValueError:
            sound = False
        if not sound or url.query_string or url.fragment:
            raise ValueError("a registry's address is http://host:port or https://host:port")
        pair = b64encode(f"{url.user}:{url.password or ''}".encode()).decode()
        host = f"[{url.host}]" if ":" in str(url.host) else str(url.host)
        return cls(f"{host.lower()}:{url.port}", url.origin(), "" if url.user is None else f"Basic {pair}")


@dataclass(frozen=True)
class Held:
    """What a registry holds: {repository: {tag: digest}} of those that have a tag, and summaries by digest of what the tags
    lead to and what that lists."""

    repositories: dict[str, dict[str, str]]
    manifests: dict[str, Summary]


class Reader:
    """Reads registries, each manifest once."""

    def __init__(self) -> None:
        self._summaries = Summaries()

    async def look(self, addresses: Iterable[Address]) -> dict[str, Held | Unreadable]:
        """What each of these registries holds, by key, or why that cannot be told. All are asked side by side."""
        named = {address.key: address for address in addresses}
        found = await asyncio.gather(*(self._held(address) for address in named.values()))
        return dict(zip(named, found, strict=True))

    async def _held(self, address: Address) -> Held | Unreadable:
        try:
            async with asyncio.timeout(SECONDS), _session() as session:
                return await _Visit(address, session, self._summaries).held()
        except TimeoutError:
            return Unreadable(f"{address.key} did not tell what it holds within {SECONDS:.0f} s.")
        except Unreadable as error:
            return error


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=AT_ONCE, ssl=False),
        headers={"User-Agent": AGENT, "Accept-Encoding": "identity"},
        auto_decompress=False,
    )


class _Visit:
    """One look at one registry."""

    def __init__(self, address: Address, session: aiohttp.ClientSession, summaries: Summaries) -> None:
        self._address, self._session, self._summaries = address, session, summaries
        self._room = BYTES
        self._tags = 0

    async def held(self) -> Held:
        names = await self._list("/v2/_catalog", "repositories", REPOSITORIES)
        if odd := [name for name in names if not is_repository(name)]:
            raise self._refuse(f"tells of a repository {odd[0][:80]!r}, which is no repository's name")
        found = dict(zip(names, await _all(self._tags_of(name) for name in names), strict=True))
        repositories = {name: tags for name, tags in sorted(found.items()) if tags}
        return Held(repositories, await self._manifests(repositories))

    async def _tags_of(self, name: str) -> dict[str, str]:
        tags = await self._list(f"/v2/{name}/tags/list", "tags", TAGS)
        if odd := [tag for tag in tags if not TAG.fullmatch(tag)]:
            raise self._refuse(f"tells of a tag {odd[0][:80]!r}, which is no tag")
        self._tags += len(tags)
        if self._tags > TAGS:
            raise self._refuse(f"holds more than {TAGS} tags")
        digests = await _all(self._digest(name, tag) for tag in tags)
        return {tag: digest for tag, digest in zip(tags, digests, strict=True) if digest}

    async def _digest(self, name: str, tag: str) -> str:
        """What the tag leads to, "" where it is gone by now."""
        path = f"/v2/{name}/manifests/{tag}"
        answer = await self._ask("HEAD", path, ACCEPT)
        if answer is not None and is_digest(told := answer.headers.get("Docker-Content-Digest")):
            return told
        answer = await self._ask("GET", path, ACCEPT)  # the header is no duty
        return "" if answer is None else f"sha256:{hashlib.sha256(answer.body).hexdigest()}"

    async def _manifests(self, repositories: dict[str, dict[str, str]]) -> dict[str, Summary]:
        places = {digest: name for name, tags in repositories.items() for digest in tags.values()}
        found: dict[str, Summary] = {}
        listed = False
        while places:
            if len(found) + len(places) > MANIFESTS:
                raise self._refuse(f"holds more than {MANIFESTS} manifests")
            made = dict(
                zip(places, await _all(self._manifest(name, digest) for digest, name in places.items()), strict=True)
            )
            # What a tag leads to is told in any case; what an index lists only where it is.
            told = {digest: made[digest] or (None if listed else unknown()) for digest in places}
            found |= {digest: held for digest, held in told.items() if held}
            children = [(child, places[digest]) for digest, held in told.items() if held for child in held["manifests"]]
            places = {child: name for child, name in children if child not in found}
            listed = True
        return dict(sorted(found.items()))

    async def _manifest(self, name: str, digest: str) -> Summary | None:
        """The summary of a manifest, None where it is not there."""
        if kept := self._summaries.get(digest):
            return kept[0]
        answer = await self._ask("GET", f"/v2/{name}/manifests/{digest}", ACCEPT)
        if answer is None:
            return None
        manifest = parse(answer.body) if _is(answer.body, digest) else None
        config = config_of(manifest)
        described = await self._ask("GET", f"/v2/{name}/blobs/{config}") if config else None
        sound = described is not None and _is(described.body, config)
        made = summary(manifest, lambda _: parse(described.body) if described and sound else None)
        if manifest is not None and (sound or not config):
            self._summaries.keep(digest, made, [])
        return made

    async def _list(self, path: str, field: str, most: int) -> list[str]:
        """A list of names, all of its pages (specification, "Listing Tags": Link). Raises Unreadable."""
        names: dict[str, None] = {}
        url: URL | None = self._address.url.join(URL(path))
        while url is not None:
            answer = await self._ask("GET", url)
            if answer is None:
                if field == "tags":
                    break  # a repository that was emptied may still be in the catalogue
                raise self._refuse(f"has no {path}")
            told = parse(answer.body)
            page = told.get(field) if isinstance(told, dict) else None
            if not isinstance(told, dict) or not all(isinstance(name, str) for name in page or ()):
                raise self._refuse(f"answers {path} with what is no list of {field}")
            before = len(names)
            names |= dict.fromkeys(page or ())
            if len(names) > most:
                raise self._refuse(f"holds more than {most} {field}")
            url = answer.next if len(names) > before else None
        return list(names)

    async def _ask(self, method: str, place: str | URL, accept: str = "*/*") -> "_Answer | None":
        """The answer; None for 404. Raises Unreadable."""
        url = place if isinstance(place, URL) else self._address.url.join(URL(place))
        if url.origin() != self._address.url:
            raise self._refuse("leads to another address for its next page")
        follow = "/blobs/" in url.path  # which a registry may keep elsewhere
        headers = {"Accept": accept}
        if self._address.authorization:  # where a blob is kept elsewhere, aiohttp sends it not there
            headers["Authorization"] = self._address.authorization
        try:
            async with self._session.request(
                method, url, headers=headers, allow_redirects=follow, max_redirects=3
            ) as answer:
                if answer.status == 404:
                    return None
                if answer.status != 200:
                    raise self._refuse(f"answers {method} {url.path} with {answer.status}")
                return _Answer(await self._body(answer), answer.headers, answer.links.get("next", {}).get("url"))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self._refuse(f"does not answer: {error or type(error).__name__}") from error

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        """As much as is read of any manifest, or of a config."""
        body = bytearray()
        async for chunk in answer.content.iter_chunked(64 * 1024):
            body += chunk
            if len(body) > LARGEST:
                break
        self._room -= len(body)
        if self._room < 0:
            raise self._refuse(f"answers with more than {BYTES // 1024**2} MB")
        return bytes(body)

    def _refuse(self, text: str) -> Unreadable:
        return Unreadable(f"{self._address.key} {text}.")


@dataclass(frozen=True)
class _Answer:
    body: bytes
    headers: Any
    next: Any
    """The URL of the next page, None on the last."""


def _is(body: bytes, digest: str) -> bool:
    """Whether these bytes have this digest."""
    algorithm, _, value = digest.partition(":")
    return DIGEST.fullmatch(digest) is not None and hashlib.new(algorithm, body).hexdigest() == value


async def _all(asked: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All results, side by side. The first that fails ends the others."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(question) for question in asked]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return [task.result() for task in tasks]
