from labkit.content import facts
from labkit.content.check import check
from labkit.content.scope import Scope


@check(
    points=1,
    hints=[
        "The table in the lesson has one line for each cloud.",
        "Who pulls in each of them, and what may it do?",
        'answer("14-cloud", identity="…"): a letter for each line',
    ],
)
def identities(lab: Scope) -> str:
    """1 · You know what pulls in each cloud, and by which right."""
    return facts.matched(lab, "identity")


@check(
    points=2,
    hints=[
        "What changes in an image's name when it goes to another registry, and what can't change?",
        "Read again what the metadata address hands out, and to whom.",
        'answer("14-cloud", digest="…", password="…", address="…")',
    ],
)
def quiz(lab: Scope) -> str:
    """2 · You answered the other three questions."""
    return facts.answered(lab, ["digest", "password", "address"])
