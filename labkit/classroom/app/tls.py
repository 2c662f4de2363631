"""A certificate of the instructor's own, which browsers know, beside the classroom's.

The name that a connection asks for (SNI) decides which one it gets. Browsers ask for a name of the instructor's certificate.
Programs that have joined (laptops, brokers) ask for `NAME` and get the classroom's own, whose authority they have kept:
so they need not know when the instructor's certificate is renewed, or comes from another authority.
"""

import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from labkit.errors import LabError

LOG = logging.getLogger(__name__)

SOON = timedelta(days=14)
"""A certificate that ends before that is told of at the start."""


@dataclass(frozen=True)
class Outside:
    """Such a certificate, checked."""

    chain: Path
    key: Path
    names: tuple[str, ...]
    """What it is for: names of hosts, perhaps with `*` as the first part."""
    ends: datetime

    def note(self, now: datetime) -> str:
        """What an instructor should know of it; "" for nothing."""
        return f"The certificate {self.chain} ends on {self.ends:%d %B %Y}: renew it." if self.ends < now + SOON else ""

    @property
    def host(self) -> str:
        """The name under which people come, as far as the certificate says; "" where it has none without `*`."""
        return next((name for name in self.names if "*" not in name), "")


def read(chain: Path, key: Path, now: datetime) -> Outside:
    """Reads the PEM files of a certificate (with what its issuer gave beside it) and of its key. Raises LabError for one that
    browsers would refuse, and for a key that every user of this machine can read."""
    again = "labkit classroom up --certificate FULLCHAIN.pem --certificate-key PRIVKEY.pem"
    try:
        open_to_all = key.stat().st_mode & 0o007
        found = x509.load_pem_x509_certificates(chain.read_bytes())[0]
    except OSError as error:
        raise LabError(f"{error.filename} cannot be read: {error.strerror}.", again) from error
    except ValueError as error:
        raise LabError(f"{chain} is not a certificate in PEM form.", again) from error
    if open_to_all:
        raise LabError(f"Every user of this machine can read the key {key}.", f"chmod o-rwx {key}")
    context(chain, key)
    first, last = found.not_valid_before_utc, found.not_valid_after_utc
    if not first <= now <= last:
        raise LabError(
            f"The certificate {chain} is valid from {first:%d %B %Y} to {last:%d %B %Y}, and it is {now:%d %B %Y}.",
            "renew it, or start without --certificate",
        )
    names = _names(found)
    if not names:
        raise LabError(f"The certificate {chain} names no host, and no browser takes it.", again)
    return Outside(chain, key, names, last)


def _names(found: x509.Certificate) -> tuple[str, ...]:
    try:
        named = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(name.lower() for name in named.get_values_for_type(x509.DNSName))


def context(chain: Path, key: Path) -> ssl.SSLContext:
    """For a server that shows this certificate. Raises LabError where the two do not belong together."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        made.load_cert_chain(chain, key, password="")  # else OpenSSL asks at the terminal for that of an encrypted key
    except OSError as error:  # SSLError too
        why = "does not belong to" if getattr(error, "reason", "") == "KEY_VALUES_MISMATCH" else "cannot be read, for"
        raise LabError(
            f"The key {key} {why} the certificate {chain}: {getattr(error, 'reason', None) or error}.",
            "give the key that the certificate was made for, without a password",
        ) from error
    return made


def covers(names: Sequence[str], host: str) -> bool:
    """Whether a certificate with these names is for that host (RFC 9525, 6.3: `*` stands for one whole first part)."""
    host = host.lower().rstrip(".")
    _, dot, rest = host.partition(".")
    return host in names or bool(dot and rest and f"*.{rest}" in names)


@dataclass
class Chooser:
    """Shows this certificate to whoever asks for one of its names, and takes it up anew when its file has changed."""

    outside: Outside
    _changed: int = -1
    _context: ssl.SSLContext = field(init=False)

    def __post_init__(self) -> None:
        self._renew()

    def __call__(self, connection: ssl.SSLSocket | ssl.SSLObject, host: str | None, _: ssl.SSLContext) -> None:
        """As ssl.SSLContext.sni_callback."""
        if host and covers(self.outside.names, host):
            self._renew()
            connection.context = self._context

    def _renew(self) -> None:
        """A renewed certificate counts without a restart. One that cannot be used leaves the one before."""
        try:
            changed = self.outside.chain.stat().st_mtime_ns
            if changed == self._changed:
                return
            self._context, self._changed = context(self.outside.chain, self.outside.key), changed
        except (OSError, LabError) as error:
            if not hasattr(self, "_context"):
                raise
            LOG.warning("The certificate has changed and cannot be used, the one before is: %s", error)
