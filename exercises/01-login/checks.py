from labkit.content import facts
from labkit.content.check import Evidence, check
from labkit.content.scope import Scope
from labkit.seen.reference import HUB


@check(
    points=2,
    hints=[
        "Before you can push, a registry must know who you are. Which docker command tells it?",
        "docker login takes a user name. Without an address it means Docker Hub. The account is in the lesson.",
        "docker login -u USER -p PASSWORD, or safer: docker login -u USER --password-stdin",
    ],
)
def accepted(lab: Scope) -> Evidence:
    """Docker Hub accepted your sign-in as myusername."""
    return facts.signed_in(lab, HUB)


@check(
    points=1,
    needs=["accepted"],
    hints=[
        "Docker saves a sign-in in config.json, in the folder $DOCKER_CONFIG.",
        "docker logout removes it. A login with another configuration folder saves it elsewhere.",
        "docker login -u USER, in this shell or notebook",
    ],
)
def kept(lab: Scope) -> str:
    """Your machine has saved the sign-in for the next push."""
    return facts.keeps_sign_in(lab, HUB)
