from labkit.content.check import check
from labkit.content.facts import securing
from labkit.content.scope import Scope


@check(
    points=2,
    hints=[
        "An engine speaks to a registry by TLS only, and must trust who signed its certificate.",
        "Each engine reads the certificate from a folder that has the registry's address as its name.",
        "On each machine: /etc/docker/certs.d/workstation:5000/ca.crt",
    ],
)
def trusted(lab: Scope) -> str:
    """1 · Your own registry answers by TLS, and all machines trust its certificate."""
    return securing.is_trusted(lab)


@check(
    points=1,
    needs=["trusted"],
    hints=[
        "Whoever reaches the registry can push to it now. It needs a list of users.",
        "htpasswd makes the list, with bcrypt (-B). The registry is told of it by three variables.",
        "docker create … -e REGISTRY_AUTH=htpasswd -e REGISTRY_AUTH_HTPASSWD_REALM=… -e REGISTRY_AUTH_HTPASSWD_PATH=…",
    ],
)
def closed(lab: Scope) -> str:
    """2 · It asks everybody for a sign-in."""
    return securing.asks_for_sign_in(lab)


@check(
    points=2,
    needs=["closed"],
    hints=[
        "docker login writes the password into config.json, in base64, unless a credential helper is set.",
        "The helper pass needs a GPG key and pass init. credsStore in config.json names the helper. Then sign in.",
        'echo \'{"credsStore": "pass"}\' > ~/.docker/config.json, then docker login workstation:5000',
    ],
)
def kept(lab: Scope) -> str:
    """3 · Your sign-in to it is in a credential helper, and in no config.json."""
    return securing.sign_in_is_kept(lab)


@check(
    points=1,
    needs=["closed"],
    hints=[
        "Which name must an image have for your registry?",
        "Tag, push, and pull on a worker. Each machine that pulls needs a sign-in of its own.",
        "On tools: docker push workstation:5000/myapp. On worker1: docker login workstation:5000, then docker pull",
    ],
)
def carried(lab: Scope) -> str:
    """4 · Two machines have an image by way of your registry."""
    return securing.is_carried(lab)


@check(
    points=2,
    hints=[
        "Where does the token go in the Dockerfile: into a file, an argument, a variable? All of these stay in the image.",
        "BuildKit lends a secret to one RUN, and keeps nothing of it: RUN --mount=type=secret.",
        "docker build --secret id=token,src=token …, and in the Dockerfile RUN --mount=type=secret,id=token …",
    ],
)
def clean(lab: Scope) -> str:
    """5 · Harbor has the shop as v1.0.0, and the token is nowhere in it."""
    return securing.has_no_secret(lab)


@check(
    points=2,
    needs=["clean"],
    hints=[
        "A signature belongs to a digest, not to a tag.",
        "cosign generate-key-pair makes your keys, cosign sign signs. Sign what the tag leads to now.",
        "cosign sign --key cosign.key --tlog-upload=false harbor.lab/myproject/shop@sha256:…",
    ],
)
def signed(lab: Scope) -> str:
    """6 · This image is signed with your key."""
    return securing.is_signed(lab)


@check(
    points=2,
    hints=[
        "The nodes pull with the sign-in of whoever creates the service, if it says --with-registry-auth.",
        "Make a robot in your project that may pull. Sign in as the robot in a configuration of its own.",
        "docker --config robot login harbor.lab -u 'robot$myproject+swarm' …, then sh deploy.sh IMAGE",
    ],
)
def robot(lab: Scope) -> str:
    """7 · The Swarm pulled the shop as a robot that may only pull."""
    return securing.robot_pulls(lab)


@check(
    points=1,
    hints=[
        "What can somebody do who has found the robot's secret?",
        "Try it: push something else under the shop's name, as the robot.",
        "docker tag myapp harbor.lab/myproject/shop:evil, then docker --config robot push harbor.lab/myproject/shop:evil",
    ],
)
def harmless(lab: Scope) -> str:
    """8 · You tried to push as the robot, and were refused."""
    return securing.robot_is_harmless(lab)


@check(
    points=4,
    needs=["signed"],
    hints=[
        "deploy.sh gets a name with a tag. What must it know before it deploys, and what exactly must it deploy?",
        "cosign verify prints which digest it verified. Deploy that digest. If the image is not signed: exit 1.",
        'verified=$(cosign verify --key cosign.pub --insecure-ignore-tlog "$1") || exit 1, then jq gives you the digest',
    ],
)
def guarded(lab: Scope) -> str:
    """9 · deploy.sh deploys what you signed, by its digest, and refuses everything else."""
    return securing.lets_only_signed_through(lab)
