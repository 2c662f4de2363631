"""Who is signed in where."""

from labkit.content.check import Evidence, fail, passed
from labkit.content.scope import Scope
from labkit.seen.lab import Unobserved
from labkit.seen.log import Action, Reason
from labkit.seen.registries import Registry

MISTAKES: dict[str, str] = {Reason.WRONG_PASSWORD: "login-wrong-password", Reason.UNKNOWN_USER: "login-unknown-user"}
"""The diagnosis for a refused sign-in, by the edge's reason."""


def _registry(lab: Scope, host: str) -> Registry:
    found = lab.registry_at(host)
    if found is None:
        raise Unobserved(f"The lab has no registry {host}.")
    return found


def signed_in(lab: Scope, host: str) -> Evidence:
    """The registry has accepted the learner's own sign-in since the exercise began."""
    registry, user = _registry(lab, host), lab.person.username
    values = {"expected": f"a sign-in as {user} that {registry.title} accepts", "registry": registry.title}
    logins = [event for event in lab.since if event.action == Action.LOGIN]
    here = [event for event in logins if event.registry == registry.key]
    if accepted := [event for event in here if event.ok and event.user == user]:
        last = accepted[-1]
        saw = f"{last.user} from {last.machine or 'a machine'} (line {last.seq} of the access log)"
        return passed(saw, "login-password-visible")
    if here:
        last = here[-1]
        if last.ok:
            fail("login-other-account", found=f"a sign-in as {last.user}", account=user, user=last.user, **values)
        mistake = MISTAKES.get(last.reason, "login-unknown-user")
        fail(mistake, found=f"a sign-in as {last.user}, refused", user=last.user or "", **values)
    if elsewhere := [event for event in logins if event.ok]:
        other = lab.registries[elsewhere[-1].registry].title
        fail("login-other-registry", found=f"a sign-in at {other}", other=other, **values)
    fail("login-none", found="no sign-in", **values)


def keeps_sign_in(lab: Scope, host: str) -> str:
    """A machine in the lab has saved the learner's own sign-in for the registry."""
    registry, user = _registry(lab, host), lab.person.username
    kept = {
        place: {key: account for key, account in accounts.items() if registry.answers_to(_host(key))}
        for place, accounts in sorted(lab.sign_ins.items())
    }
    for place, accounts in kept.items():
        for key, account in accounts.items():
            if account in (user, ""):  # "": a credential helper has it, and shows it to nobody
                return f"{key} in {'your Docker configuration' if place == 'here' else place}"
    values = {"expected": f"a saved sign-in as {user} for {registry.title}", "registry": registry.title}
    if others := sorted({account for accounts in kept.values() for account in accounts.values()}):
        told = "somebody else" if others[0] == "?" else others[0]
        fail("login-other-account", found=f"a sign-in as {told}", account=user, user=told, **values)
    found = sorted({key for accounts in lab.sign_ins.values() for key in accounts})
    fail("login-lost", found=found, **values)


def _host(key: str) -> str:
    """The host in a key of docker's config.json: https://index.docker.io/v1/ is index.docker.io."""
    return key.partition("://")[2].partition("/")[0] if "://" in key else key.partition("/")[0]
