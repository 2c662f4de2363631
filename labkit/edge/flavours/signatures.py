"""The signature of a request to AWS, version 4 (docs.aws.amazon.com, "Create a signed AWS API request"), as they check it."""

import hashlib
import hmac
import re
import time
from calendar import timegm
from collections.abc import Mapping

HEADER = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<key>[\w-]{1,128})/(?P<scope>\d{8}/[a-z0-9-]{1,40}/[a-z0-9-]{1,40}/aws4_request), *"
    r"SignedHeaders=(?P<names>[a-z0-9;-]{1,2000}), *Signature=(?P<signature>[0-9a-f]{64})"
)

FRESH = 300
"""Seconds for which a signature is taken, to either side."""


class Unsigned(Exception):
    """AWS's own error: its code, and what it says."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message


def key_of(header: str) -> str:
    """The access key's id that an Authorization header names. Raises Unsigned for a header of another form."""
    match = HEADER.fullmatch(header)
    if match is None:
        code = "IncompleteSignatureException" if header else "MissingAuthenticationTokenException"
        raise Unsigned(code, "Missing Authentication Token" if not header else "Authorization header is not complete.")
    return match["key"]


def check(method: str, path: str, headers: Mapping[str, str], body: bytes, secret: str, scope: tuple[str, str]) -> None:
    """`headers` by small letters, `scope` is (region, service). Raises Unsigned."""
    match = HEADER.fullmatch(headers.get("authorization", ""))
    date = headers.get("x-amz-date", "")
    names = match["names"].split(";") if match else []
    if match is None or not {"host", "x-amz-date"} <= set(names):
        raise Unsigned("IncompleteSignatureException", "Authorization header is not complete.")
    day, region, service, _ = match["scope"].split("/")
    if (region, service) != scope or not date.startswith(day):
        raise Unsigned("InvalidSignatureException", f"Credential should be scoped to a valid region, not '{region}'.")
    _fresh(date)
    told = "".join(f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in names)
    asked = "\n".join((method, path, "", told, match["names"], hashlib.sha256(body).hexdigest()))
    signed = f"AWS4-HMAC-SHA256\n{date}\n{match['scope']}\n{hashlib.sha256(asked.encode(errors='replace')).hexdigest()}"
    key = f"AWS4{secret}".encode()
    for part in match["scope"].split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    if not hmac.compare_digest(hmac.digest(key, signed.encode(), "sha256").hex(), match["signature"]):
        raise Unsigned(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
            "and signing method. Consult the service documentation for details.",
        )


def _fresh(date: str) -> None:
    """By the machine's own time, which no lesson moves. Raises Unsigned."""
    try:
        made = timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise Unsigned("IncompleteSignatureException", "Date must be in ISO-8601 'basic format'.") from None
    if abs(made - time.time()) > FRESH:
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        raise Unsigned("InvalidSignatureException", f"Signature expired: {date} is now too far from {now} (5 min.)")
