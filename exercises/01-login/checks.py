from labkit.content import facts
from labkit.content.check import Evidence, check
from labkit.content.scope import Scope
from labkit.seen.reference import HUB


@check(
    points=2,
    hints=[
        "A registry wants to know who you are before it lets you write. Which docker command says it?",
        "docker login takes a user name; without a registry's address it means Docker Hub. The account is in the lesson.",
        "docker login -u USER -p PASSWORD, or, safer: docker login -u USER --password-stdin",
    ],
)
def accepted(lab: Scope) -> Evidence:
    """Docker Hub accepted your sign-in as myusername."""
    return facts.signed_in(lab, HUB)


@check(
    points=1,
    needs=["accepted"],
    hints=[
        "A sign-in is kept in config.json, in the folder $DOCKER_CONFIG.",
        "docker logout takes it out again; a login with another configuration folder puts it elsewhere.",
        "docker login -u USER, in this shell or notebook",
    ],
)
def kept(lab: Scope) -> str:
    """Your machine keeps the sign-in, so that the next push can use it."""
    return facts.keeps_sign_in(lab, HUB)
