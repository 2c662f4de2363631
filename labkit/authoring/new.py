"""Starts a new exercise from a template that `verify` accepts."""

import re
from pathlib import Path

from labkit.content import exercises
from labkit.errors import LabError

TEMPLATE: dict[str, str] = {
    "exercise.toml": 'learn = "what one learns here, in a few words"\nneeds = []\nsees = ["engines"]\n\n'
    '[reset]\nimages = ["*/NAME"]\n',
    "lesson.md": "# TITLE\n\nWhat this is about, in a few sentences, and why it matters.\n\n"
    "```try\ndocker image ls\n```\n\nWhat to do.\n\n```do\n```\n",
    "checks.py": "from labkit.content.check import check, fail\n"
    "from labkit.content.scope import Scope\n"
    "from labkit.seen.reference import Reference\n\n"
    'WANTED = Reference.parse("example:latest")\n\n\n'
    '@check(points=1, hints=["Where to look.", "What to do.", "docker COMMAND …"])\n'
    "def is_there(lab: Scope) -> None:\n"
    '    """The workstation has an image named example."""\n'
    "    if lab.workstation.image(WANTED) is None:\n"
    '        fail("tag-none", expected=str(WANTED), found=lab.workstation.tags)\n',
}
SOLUTION = {
    "solve.sh": "docker tag myapp:latest example:latest\n",
    "wrong-other-name.sh": "# expect: tag-none\ndocker tag myapp:latest something-else:latest\n",
    "wrong-nothing.sh": "# expect: tag-none\ntrue\n",
    "wrong-other-tag.sh": "# expect: tag-none\ndocker tag myapp:latest example:v2\n",
}


def new(slug: str) -> list[Path]:
    """Creates a new exercise's folders from a template that `verify` accepts. Raises LabError."""
    if not re.fullmatch(r"\d\d-[a-z0-9-]+", slug):
        raise LabError(f"{slug!r} is not a valid name for an exercise.", "two digits and a word: labkit new 07-clean")
    if (exercises.folder() / slug).exists():
        raise LabError(f"The exercise {slug} already exists.", f"look into {exercises.folder() / slug}")
    title = slug.partition("-")[2].replace("-", " ").capitalize()
    made = []
    for folder, files in ((exercises.folder() / slug, TEMPLATE), (exercises.solutions(slug), SOLUTION)):
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("TITLE", title).replace("NAME", slug.partition("-")[2]))
            made.append(path)
    return made
