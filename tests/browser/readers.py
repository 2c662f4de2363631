"""Opens files with the programs that they are for, in a Python of its own: nbgrader's pins are not ours. Prints JSON.

python readers.py nbgrader FILE.db ASSIGNMENT     {student: points}, by nbgrader's own API
python readers.py junit FILE.xml                  {"tests", "failures", "skipped", "suites": {name: {check: how it went}}}, by junitparser
python readers.py pdf FILE.pdf                    the text of its pages, by pypdf
"""

import json
import subprocess
import sys
import sysconfig

PACKAGES = ("nbgrader==0.9.6", "junitparser==3.2.0", "pypdf==5.1.0")


def python(place, root):
    """A Python that has this one's packages, labkit from `root`, and PACKAGES."""
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    own = next(place.glob("lib/python*/site-packages"))
    (own / "beside.pth").write_text(f"{sysconfig.get_paths()['purelib']}\n{root}\n")
    binary = place / "bin" / "python"
    done = subprocess.run([str(binary), "-m", "pip", "install", "-q", *PACKAGES], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # nbgrader calls the command alembic, which must be one of this Python's.
    again = ["-m", "pip", "install", "-q", "--no-deps", "--ignore-installed", "alembic"]
    subprocess.run([str(binary), *again], check=True, capture_output=True)
    return binary


def read(binary, *words):
    """What this file prints, run by that Python."""
    done = subprocess.run([str(binary), __file__, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def nbgrader(file, assignment):
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{file}") as book:
        return {one.student.id: one.score for one in book.assignment_submissions(assignment)}


def junit(file):
    from junitparser import JUnitXml

    found = JUnitXml.fromfile(file)
    suites = {
        suite.name: {case.name: type(case.result[0]).__name__ if case.result else "Passed" for case in suite}
        for suite in found
    }
    return {"tests": found.tests, "failures": found.failures, "skipped": found.skipped, "suites": suites}


def pdf(file):
    from pypdf import PdfReader

    return "\n".join(page.extract_text() for page in PdfReader(file).pages)


if __name__ == "__main__":
    kind, *words = sys.argv[1:]
    print(json.dumps({"nbgrader": nbgrader, "junit": junit, "pdf": pdf}[kind](*map(str, words))))
