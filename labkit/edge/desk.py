"""Where labkit, and nobody else, asks the edge what the registries hold, and has them cleaned for a reset.

| request | answer |
|---|---|
| GET /_ping | OK, where the store answers too |
| GET /observation?sections=registries,log | a JSON object with these sections, as labkit/seen has them (below) |
| GET /events | the access log as it grows: a JSON line an entry |
| POST /mark {"exercises": [slug, …]} | the line that the log has now: {"seq", "time", "exercises"} |
| POST /remove {"repositories": [[registry, name], …]} | {}, once they are gone; not those that the lab brings along |
| POST /expire {"registry": key} | {"registry", "seconds"}: all that it gave out has expired, by so much time |
| GET /limit?registry=key | {"registry", …}: a registry's limit of pulls, and who used how many (flavours/pulls.py, told) |
| POST /limit {"registry": key, "pulls", "signed_in"} | the same, once these count; the vendor's for one that is missing |
| POST /repository {"registry", "repository", setting: value, …} | {}, once these are the repository's settings (change) |
| POST /forget {"registries": [key, …]} | {}, once what these keep beside images is as in a new lab |
| POST /restore | {"restored": [file, …]}, what was missing of the repositories that the lab brings along |

The sections:

* `registries`: {"known": {key: {"title", "host", "hosts", "seeded", "repositories": {repository: {tag: digest}},
  "private": [repository], "immutable": {repository: [pattern]}}},
  "manifests": {digest: summary}, "sample": fingerprint}. `known` are the registries of every lab and those that somebody has
  used, in the order of registries.json; `manifests` are those that a tag leads to, what they list, and what refers to them.
  With `own=http[s]://[user:password@]host:port`, as often as there are such, also what each of these registries says of itself
  (reader.py): its key, title and host are host:port, and its manifests stand among the others. One that cannot be read is
  missing there, and beside the sections stands {"unobserved": {"registries/host:port": why}}.
* `store`: {"revisions": {key: {repository: [digest]}}, "manifests": {digest: summary}, "blobs": {digest: bytes}, "garbage":
  {"digests", "size"}, "garbage_untagged": the same}: every manifest, tagged or not, every blob, and what a garbage collection
  frees (garbage.py), without and with --delete-untagged.
* `log`: {"events": [event], "resets": [reset]}, the oldest first. With `seq=N` only what came after that number.

A request that cannot be understood is answered with 400 and a sentence, and changes nothing. Where the store does not answer,
/_ping and /observation say so with 503 and a sentence.
"""

import asyncio
import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aiohttp import web

from . import seed
from .facts import Facts
from .flavours.base import Flavour
from .flavours.pulls import HIGHEST, Allowed
from .flavours.routes import table
from .garbage import garbage
from .grammar import is_repository
from .log import AccessLog
from .reader import Address, Held, Reader, Unreadable
from .shelf import Shelf, Tags
from .store import Part, Parts, StoreDown
from .tokens import GRACE

SECTIONS = ("registries", "log", "store")
MOST_SLUGS = 200
"""Exercises of one reset."""

USUAL = ("registries", "log")
"""The sections that are told where none is named: the store's costs more the more it holds."""


@dataclass
class Desk:
    flavours: dict[str, Flavour]
    log: AccessLog
    shelf: Shelf
    reader: Reader
    sample: str
    """The sample app's fingerprint."""
    store: Part | Parts
    """What must work beside the edge itself."""
    seed: Path = seed.SEED

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/_ping", self.ping)
        app.router.add_get("/observation", self.observation)
        app.router.add_get("/events", self.events)
        app.router.add_post("/mark", self.mark)
        app.router.add_post("/remove", self.remove)
        app.router.add_post("/expire", self.expire)
        app.router.add_get("/limit", self.limit)
        app.router.add_post("/limit", self.limit)
        app.router.add_post("/repository", self.repository)
        app.router.add_post("/forget", self.forget)
        app.router.add_post("/restore", self.restore)
        return app

    async def ping(self, _: web.Request) -> web.Response:
        await self._needs_store()
        return web.Response(text="OK")

    async def observation(self, request: web.Request) -> web.Response:
        wanted = _sections(request.query.get("sections"))
        await self._needs_store()
        seen: dict[str, Any] = {}
        # The log first: it must never tell of what the registries are not yet seen to hold.
        if "log" in wanted:
            seen["log"] = self._log(_number(request.query.get("seq", "0")))
        if "registries" in wanted:
            own = _addresses(request.query.getall("own", []))
            seen["registries"], visited = await asyncio.gather(
                asyncio.to_thread(self._registries), self.reader.look(own)
            )
            unobserved = _add(seen["registries"], visited)
            seen |= {"unobserved": unobserved} if unobserved else {}
        if "store" in wanted:
            seen["store"] = await asyncio.to_thread(self._store)
        return web.json_response(seen)

    async def _needs_store(self) -> None:
        try:
            await self.store.ask()
        except StoreDown as down:
            raise web.HTTPServiceUnavailable(text=f"{down}\n") from down

    def _log(self, after: int) -> dict[str, Any]:
        return {"events": _after(self.log.events, after), "resets": _after(self.log.resets, after)}

    def _shown(self) -> list[tuple[str, Facts]]:
        """Those of every lab, and others that somebody has used."""
        used = {event["registry"] for event in self.log.events}
        return [
            (key, flavour.facts)
            for key, flavour in self.flavours.items()
            if flavour.facts.standard or key in used or flavour.in_use or self.shelf.holds(key)
        ]

    def _registries(self) -> dict[str, Any]:
        shown = self._shown()  # once: what somebody uses meanwhile comes with the next look
        held: dict[str, Tags] = {}
        untagged: set[str] = set()
        for key, _ in shown:
            held[key], without = self.shelf.holdings(key)
            untagged |= without
        tagged = {
            digest for repositories in held.values() for tags in repositories.values() for digest in tags.values()
        }
        return {
            "known": {
                key: {
                    "title": facts.title,
                    "host": facts.host,
                    "hosts": facts.hosts,
                    "seeded": facts.seeded,
                    "repositories": held[key],
                    "private": self.flavours[key].private(),
                    "immutable": self.flavours[key].immutable(),
                }
                for key, facts in shown
            },
            "manifests": self.shelf.manifests(tagged, untagged),
            "sample": self.sample,
        }

    def _store(self) -> dict[str, Any]:
        repositories, blobs = self.shelf.stored(), self.shelf.blobs()
        revisions: dict[str, dict[str, Sequence[str]]] = {key: {} for key, _ in self._shown()}
        for repository in repositories:
            if repository.registry in revisions and repository.revisions:
                revisions[repository.registry][repository.name] = repository.revisions
        manifests = {digest: self.shelf.manifest(digest) for held in repositories for digest in held.revisions}
        return {
            "revisions": revisions,
            "manifests": {digest: held for digest, held in sorted(manifests.items()) if held},
            "blobs": blobs,
            "garbage": garbage(repositories, blobs, manifests.get),
            "garbage_untagged": garbage(repositories, blobs, manifests.get, delete_untagged=True),
        }

    async def events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/jsonl"})
        await response.prepare(request)
        async for entry in self.log.follow():
            await response.write(json.dumps(entry).encode() + b"\n")
        return response

    async def mark(self, request: web.Request) -> web.Response:
        slugs = await _list(request, "exercises")
        if len(slugs) > MOST_SLUGS or not all(isinstance(slug, str) for slug in slugs):
            raise _refusal(f"exercises are slugs, at most {MOST_SLUGS}")
        return web.json_response(self.log.reset(slugs))

    async def remove(self, request: web.Request) -> web.Response:
        named = await _list(request, "repositories")
        for entry in named:
            if not (isinstance(entry, list) and len(entry) == 2 and entry[0] in list(self.flavours)):
                raise _refusal(f"{entry!r} is no repository of a registry that the edge knows")
            if not is_repository(entry[1]):
                raise _refusal(f"{entry[1]!r} is no repository's name")
            if entry[1] in self.flavours[entry[0]].facts.seeded:
                raise _refusal(f"{entry[1]} comes with the lab and stays")
        for registry, name in named:
            await asyncio.to_thread(self.shelf.remove, registry, name)
            self.flavours[registry].gone(name)
        # Nobody waits for it, nor does the edge's end.
        threading.Thread(target=self.shelf.clear, daemon=True).start()
        return web.json_response({})

    async def expire(self, request: web.Request) -> web.Response:
        body = await _body(request)
        key = table(body).get("registry")
        if not isinstance(key, str) or key not in self.flavours:
            raise _refusal(f'the body is {{"registry": {" or ".join(self.flavours)}}}')
        seconds = self.flavours[key].last_end() + GRACE + 1
        self.flavours[key].clock.move(seconds)
        await asyncio.to_thread(self.flavours[key].passed, self.shelf)
        return web.json_response({"registry": key, "seconds": seconds})

    async def forget(self, request: web.Request) -> web.Response:
        keys = await _list(request, "registries")
        if unknown := [key for key in keys if key not in list(self.flavours)]:
            raise _refusal(f"{unknown[0]!r} is no registry that the edge knows")
        for key in keys:
            self.flavours[key].forget()
        return web.json_response({})

    async def limit(self, request: web.Request) -> web.Response:
        body = table(dict(request.query) if request.method == "GET" else await _body(request))
        flavour = self.flavours.get(str(body.get("registry")))
        if flavour is None or flavour.pulls is None:
            known = [key for key, flavour in self.flavours.items() if flavour.pulls]
            raise _refusal(f"only {' and '.join(known)} has a limit of pulls")
        if request.method == "POST":
            flavour.pulls.change(_limit(body, flavour.pulls.vendors))
        return web.json_response({"registry": flavour.key, **flavour.pulls.told()})

    async def repository(self, request: web.Request) -> web.Response:
        wishes = table(await _body(request))
        flavour, name = self.flavours.get(str(wishes.pop("registry", ""))), wishes.pop("repository", None)
        if flavour is None or not is_repository(name):
            raise _refusal(f"{name!r} is no repository of a registry that the edge knows")
        try:
            flavour.change(name, wishes)
        except ValueError as odd:
            raise _refusal(str(odd)) from odd
        return web.json_response({})

    async def restore(self, _: web.Request) -> web.Response:
        return web.json_response({"restored": await asyncio.to_thread(seed.restore, self.seed, self.shelf.folder)})


def _limit(body: dict[str, Any], vendors: Allowed) -> Allowed | None:
    """The limit that the body asks for; None for the vendor's."""
    numbers = {name: body.get(key) for name, key in (("anonymous", "pulls"), ("signed_in", "signed_in"))}
    asked = {name: number for name, number in numbers.items() if number is not None}
    if not all(type(number) is int and 0 <= number <= HIGHEST for number in asked.values()):
        raise _refusal(f"a number of pulls is 0 to {HIGHEST:,}")
    return replace(vendors, **asked) if asked else None


def _refusal(text: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=f"{text}\n")


def _addresses(texts: list[str]) -> list[Address]:
    try:
        return [Address.parse(text) for text in texts]
    except ValueError as error:
        raise _refusal(str(error)) from error


def _add(registries: dict[str, Any], visited: dict[str, Held | Unreadable]) -> dict[str, str]:
    """Adds what the learner's own registries hold. Returns why the others could not be read."""
    unobserved = {}
    for key, held in visited.items():
        if isinstance(held, Unreadable):
            unobserved[f"registries/{key}"] = str(held)
            continue
        host = key.rpartition(":")[0]
        known = {"title": key, "host": key, "hosts": [host], "seeded": [], "repositories": held.repositories}
        registries["known"][key] = known
        # What the store's own bytes say is never replaced by what somebody tells of them.
        registries["manifests"] = {**held.manifests, **registries["manifests"]}
    return unobserved


def _sections(named: str | None) -> Iterable[str]:
    wanted = USUAL if named is None else named.split(",")
    for section in wanted:
        if section not in SECTIONS:
            raise _refusal(f"the edge has no section {section!r}; it has {', '.join(SECTIONS)}")
    return wanted


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 16:
        raise _refusal(f"seq={text!r} is no number of the log")
    return int(text)


def _after(entries: list[dict[str, Any]], seq: int) -> list[dict[str, Any]]:
    return [entry for entry in entries if entry["seq"] > seq] if seq else list(entries)


async def _body(request: web.Request) -> Any:
    """The body as JSON; None for what is none."""
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError):
        return None


async def _list(request: web.Request, key: str) -> list[Any]:
    """The list that the body has under this key."""
    found = table(await _body(request)).get(key)
    if not isinstance(found, list):
        raise _refusal(f'the body is {{"{key}": [...]}}')
    return found
