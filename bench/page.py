"""docs/performance.md: a section for each bench, each written by the bench itself."""

import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"


def put(title, made_by, text):
    """Writes the section `## title` anew and leaves the others as they are."""
    words = subprocess.run(
        [sys.executable, "-m", "labkit", "--version"], capture_output=True, text=True, cwd=ROOT
    ).stdout
    cores, system = os.cpu_count(), f"{platform.system()} {platform.release()}"
    head = f"Made by `{made_by}` on {time.strftime('%Y-%m-%d')}, {words.strip()}, {cores} cores, {system}."
    page = PAGE.read_text() if PAGE.exists() else "# Performance\n"
    found = re.split(r"^(?=## )", page, flags=re.MULTILINE)
    sections = {one.splitlines()[0]: one.strip() + "\n" for one in found[1:]}
    sections[f"## {title}"] = f"## {title}\n\n{head}\n{text.strip()}\n"
    PAGE.write_text("\n".join([found[0].strip() + "\n", *(sections[name] for name in sorted(sections))]))
