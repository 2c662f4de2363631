"""A learning platform of the tests' own: OIDC login, keys, tokens, names and roles, line items, scores. It has two characters,
*moodle* and *canvas*, which do with scores what the two do (their sources: mod/lti/service/gradebookservices;
app/controllers/lti/ims/scores_controller.rb)."""

import functools
import json
import re
import threading
import time
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import jwt
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from labkit.classroom.lti.launch import AGS, DEEP, LINEITEM, LTI, MEMBERS, NRPS, SCORE
from labkit.classroom.lti.platforms import Platform as Registered
from labkit.classroom.lti.scoring import SUBMISSION

ROLE = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
CONTENT_TYPE = "application/vnd.ims.lis.v1.score+json"
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)")


@functools.cache
def a_key(name, number=0):
    """(kid, private key). Another number is another key by the same name."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return name, private


class Platform:
    def __init__(self, character, tool_keys, address="https://tool.example/lti", client="the-client"):
        self.character, self.tool_keys, self.address, self.client = character, tool_keys, address, client
        self.url = ""
        self.reset()

    def reset(self):
        """As it was when it started."""
        self.keys = [a_key("first")]
        self.deployment = "1"
        self.members = {"ada": ["Learner"], "bob": ["Learner"], "tom": ["Instructor"]}
        self.items = {}
        self.results, self.scores, self.comments, self.attempts, self.attempt_limit = {}, [], {}, {}, 3
        self.tokens = {}
        self.down = 0
        """An HTTP status that all services answer with instead, or 0."""
        self.headers = {}
        self.user, self.deep = "ada", False
        """Who sits at the browser, and whether they add links."""

    # what a browser carries

    def registered(self, **more):
        told = {
            "name": self.character,
            "issuer": self.url,
            "client": self.client,
            "login": f"{self.url}/auth",
            "token": f"{self.url}/token",
            "keys": f"{self.url}/jwks",
            "deployments": (self.deployment,),
        }
        return Registered(**told | more)

    def message(self, location, user="ada", key=None, algorithm="RS256", header=None, **claims):
        """The form that the browser posts after it was sent to `location`; claims that are None are left out."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert asked["redirect_uri"] == f"{self.address}/launch"
        assert (asked["response_type"], asked["response_mode"], asked["scope"]) == ("id_token", "form_post", "openid")
        now = int(time.time())
        told = {
            "iss": self.url,
            "aud": asked["client_id"],
            "sub": user,
            "nonce": asked["nonce"],
            "iat": now,
            "exp": now + 300,
            "name": user.title(),
            "email": f"{user}@example.org",
            f"{LTI}message_type": "LtiResourceLinkRequest",
            f"{LTI}version": "1.3.0",
            f"{LTI}deployment_id": self.deployment,
            f"{LTI}target_link_uri": "https://evil.example/",
            f"{LTI}roles": [ROLE + role for role in self.members.get(user, ["Learner"])],
            f"{LTI}context": {"id": "c1", "title": "Spring"},
            f"{LTI}resource_link": {"id": "r1"},
            f"{LTI}custom": {"exercise": ""},
            f"{AGS}claim/endpoint": {"scope": [SCORE, LINEITEM], "lineitems": f"{self.url}/lineitems?type_id=1"},
            f"{NRPS}claim/namesroleservice": {
                "context_memberships_url": f"{self.url}/members",
                "service_versions": ["2.0"],
            },
        }
        told = {name: value for name, value in (told | claims).items() if value is not None}
        name, private = key or self.keys[-1]
        signing = private if algorithm == "RS256" else "" if algorithm == "none" else self.public_pem()
        token = (
            jwt.encode(told, signing, algorithm, {"kid": name} | (header or {}))
            if algorithm != "HS256"
            else self.hs256(told, name)
        )
        return {"id_token": token, "state": asked["state"]}

    def choosing(self, location, user="tom", **settings):
        """The same for a teacher who adds links."""
        deep = {
            "deep_link_return_url": f"{self.url}/links",
            "accept_types": ["ltiResourceLink"],
            "accept_presentation_document_targets": ["iframe"],
        }
        return self.message(
            location,
            user,
            **{
                f"{LTI}message_type": "LtiDeepLinkingRequest",
                f"{LTI}resource_link": None,
                f"{DEEP}deep_linking_settings": deep | settings,
            },
        )

    def public_pem(self):
        public = self.keys[-1][1].public_key()
        return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def hs256(self, told, name):
        """Signed with the public key as if it were a shared secret, which PyJWT refuses to do."""
        import base64
        import hmac

        def part(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")

        head = part(json.dumps({"alg": "HS256", "kid": name}).encode()) + b"." + part(json.dumps(told).encode())
        return (head + b"." + part(hmac.digest(self.public_pem(), head, "sha256"))).decode()

    def page(self, location=""):
        """What the platform's server sends to a browser: a page of a course with the tool in a frame, or the form that brings the
        message to the tool."""
        if not location:
            tool = f"{self.address}/login?iss={self.url}&login_hint=7&client_id={self.client}&target_link_uri=x"
            return f'<!doctype html><title>Course</title><iframe title="Tool" width="800" height="600" src="{tool}"></iframe>'
        fields = self.message(location, self.user) if not self.deep else self.choosing(location, self.user)
        inputs = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in fields.items())
        form = f'<form method="post" action="{self.address}/launch">{inputs}</form>'
        return f"<!doctype html><title>Going on</title>{form}<script>document.forms[0].submit()</script>"

    async def course(self, request):
        return HTMLResponse(self.page())

    async def auth(self, request):
        return HTMLResponse(self.page(str(request.url)))

    # services

    def app(self):
        return Starlette(
            routes=[
                Route("/course", self.course),
                Route("/auth", self.auth),
                Route("/jwks", self.jwks),
                Route("/token", self.token, methods=["POST"]),
                Route("/members", self.list_members),
                Route("/lineitems", self.line_items, methods=["GET", "POST"]),
                Route("/item/{number}/scores", self.score, methods=["POST"]),
            ]
        )

    async def jwks(self, request):
        found = [
            RSAAlgorithm.to_jwk(private.public_key(), as_dict=True) | {"kid": name, "alg": "RS256", "use": "sig"}
            for name, private in self.keys
        ]
        return JSONResponse({"keys": found})

    async def token(self, request):
        form = await request.form()
        if self.down:
            return Response("away", self.down, self.headers)
        assertion = form["client_assertion"]
        kid = jwt.get_unverified_header(assertion)["kid"]
        known = {one["kid"]: jwt.PyJWK(one).key for one in self.tool_keys.published()["keys"]}
        try:
            claims = jwt.decode(
                assertion, known[kid], ["RS256"], audience=f"{self.url}/token", options={"require": ["exp", "jti"]}
            )
        except (jwt.InvalidTokenError, KeyError) as error:
            return JSONResponse({"error": "invalid_client", "why": str(error)}, 400)
        if claims["sub"] != self.client:
            return JSONResponse({"error": "invalid_client"}, 400)
        name = f"token-{len(self.tokens)}"
        self.tokens[name] = set(form["scope"].split())
        return JSONResponse({"access_token": name, "expires_in": 3600, "scope": form["scope"], "token_type": "Bearer"})

    def refused(self, request, scope):
        if self.down:
            return Response("away", self.down, self.headers)
        held = self.tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if held is None:
            return JSONResponse({"errors": "no such token"}, 401)
        return None if scope in held else JSONResponse({"errors": "scope"}, 403)

    async def list_members(self, request):
        if found := self.refused(request, MEMBERS):
            return found
        page = int(request.query_params.get("page", 0))
        people = [
            {
                "user_id": name,
                "name": name.title(),
                "email": f"{name}@example.org",
                "roles": [ROLE + one for one in roles],
                "status": "Active",
            }
            for name, roles in self.members.items()
        ]
        more = {"link": f'<{self.url}/members?page={page + 1}>; rel="next"'} if page + 1 < len(people) else {}
        return JSONResponse({"id": "x", "members": people[page : page + 1]}, headers=more)

    async def line_items(self, request):
        if found := self.refused(request, LINEITEM):
            return found
        assert request.query_params["type_id"] == "1"
        if request.method == "GET":
            return JSONResponse(list(self.items.values()))
        told = json.loads(await request.body())
        number = len(self.items) + 1
        self.items[str(number)] = told | {"id": f"{self.url}/item/{number}?type_id=1"}
        return JSONResponse(self.items[str(number)], 201)

    async def score(self, request):
        if found := self.refused(request, SCORE):
            return found
        if request.query_params.get("type_id") != "1" or request.path_params["number"] not in self.items:
            return JSONResponse({"errors": "no such item"}, 404)
        if self.character == "moodle" and request.headers["content-type"] != CONTENT_TYPE:
            return JSONResponse({"errors": "content type"}, 400)
        try:
            told = json.loads(await request.body(), parse_constant=lambda text: int("none"))
        except ValueError:
            return JSONResponse({"errors": "no JSON"}, 400)
        self.scores.append(told)
        if not {"userId", "activityProgress", "gradingProgress", "timestamp"} <= told.keys() or not TIMESTAMP.fullmatch(
            told["timestamp"]
        ):
            return JSONResponse({"errors": "what is needed"}, 400)
        if "Learner" not in self.members.get(told["userId"], ()):
            return JSONResponse({"errors": "not a learner"}, 400)
        item = self.items[request.path_params["number"]]
        answer = getattr(self, self.character)(told, item, (told["userId"], item["tag"]))
        return Response(b"", 200) if answer is None else JSONResponse({"errors": answer[1]}, answer[0])

    def moodle(self, told, item, whose):
        at = int(datetime.fromisoformat(told["timestamp"]).timestamp())
        if whose in self.results and at <= self.results[whose]["at"]:
            return 409, "a later score is there"
        kept = None
        if told["gradingProgress"] == "FullyGraded" and "scoreGiven" in told:
            if not told.get("scoreMaximum"):
                return 400, "scoreMaximum"
            kept = told["scoreGiven"] / told["scoreMaximum"] * item["scoreMaximum"]
        self.results[whose] = {"at": at, "score": kept}
        return None

    def canvas(self, told, item, whose):
        at = datetime.fromisoformat(told["timestamp"]).timestamp()
        if whose in self.results and at < self.results[whose]["at"]:
            return 400, f"Provided timestamp of {told['timestamp']} before last updated timestamp of …"
        if told.get(SUBMISSION, {}).get("new_submission", True):
            if self.attempts.get(whose, 0) >= self.attempt_limit:
                return 422, "The maximum number of allowed attempts has been reached for this submission"
            self.attempts[whose] = self.attempts.get(whose, 0) + 1
        kept = None
        if told["gradingProgress"] in ("FullyGraded", "PendingManual") and "scoreGiven" in told:
            if "scoreMaximum" not in told:
                return 422, "ScoreMaximum not supplied when ScoreGiven present."
            scale = item["scoreMaximum"] / told["scoreMaximum"] if told["scoreMaximum"] else 1
            kept = told["scoreGiven"] * scale
        self.results[whose] = {"at": at, "score": kept}
        if told.get("comment"):
            self.comments.setdefault(whose, []).append(told["comment"])
        return None


class Running:
    """The platform on a port of its own."""

    def __init__(self, platform):
        self.platform = platform
        self.server = uvicorn.Server(
            uvicorn.Config(platform.app(), port=0, log_level="error", lifespan="off", ws="none")
        )
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        deadline = time.monotonic() + 30
        while not self.server.started:
            assert time.monotonic() < deadline and self.thread.is_alive()
            time.sleep(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.platform.url = f"http://127.0.0.1:{port}"
        return self.platform

    def __exit__(self, *_):
        self.server.should_exit = self.server.force_exit = True
        self.thread.join(30)
