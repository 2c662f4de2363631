"""A step of nbgrader's autograder: takes away the learner's own cells and files, before anything runs.

nbgrader runs what a learner hands in with the rights of whoever grades, in the kernel that also decides about the points. A
cell there could say anything, and so could a file `labkit.py` beside the notebook. This course grades an observation and needs
no code of the learner's at all. What was handed in stays as it is, in `submitted`.
"""

import shutil
from pathlib import Path
from typing import Any

from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_locked

from labkit.classroom.nbgrader.course import OBSERVATION


class OnlyOurs(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader has no types
    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Before it, OverwriteCells has given the course's own cells their text back, and taken the id off all others that
        claim to be some."""
        kept = [cell for cell in nb.cells if cell.cell_type != "code" or ours(cell)]
        if taken := len(nb.cells) - len(kept):
            self.log.warning("Took away %s cells that are not the course's", taken)
        nb.cells = kept
        clear(Path(resources["metadata"]["path"]))
        return nb, resources


def ours(cell: Any) -> bool:
    return (is_grade(cell) or is_locked(cell)) and "grade_id" in cell.metadata.nbgrader


def clear(folder: Path) -> None:
    """Leaves notebooks and the observation. Only in nbgrader's own copy, `autograded`."""
    if folder.parent.parent.name != "autograded":
        return
    for file in folder.iterdir():
        if file.is_symlink() or not file.is_dir():
            if file.is_symlink() or (file.name not in (OBSERVATION, "timestamp.txt") and file.suffix != ".ipynb"):
                file.unlink()
        else:
            shutil.rmtree(file)
