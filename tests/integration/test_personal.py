"""A personal lab for real: the learner's own account, names and mark."""

import json
import subprocess
from pathlib import Path

from helpers import GUIDED, labkit, labkit_json
from test_lifecycle import UP, other  # noqa: F401  (the fixture)

from labkit.content.personal import person


def test_a_lab_of_ones_own(other):  # noqa: F811
    ada = person("Ada", "spring")
    told = labkit(*UP, "--learner", "Ada", "--workshop", "spring", env=other, check=0).stdout
    assert f"It is Ada's: user {ada.username}, password mypassword, tag {ada.version}." in told
    lines = labkit("env", env=other, check=0).stdout
    default = subprocess.run(
        ["bash", "-c", lines + "docker login -u myusername -p mypassword"], capture_output=True, text=True, check=False
    )
    assert "unauthorized" in default.stderr
    for slug in ("04-pull", "05-deploy", "06-practice"):
        labkit("solve", slug, env=other, check=0)
    done = [*GUIDED, "06-practice"]
    report = labkit("check", *done, "--wait", "60s", env=other, check=0).stdout
    assert f"{ada.username}/myapp:{ada.version}" in report
    assert ada.version in Path(other["LABKIT_WORK"], "03-push.ipynb").read_text()
    assert labkit_json("status", "--json", env=other)["registries"]["hub"][f"{ada.username}/webapp"].keys() == {
        ada.version
    }

    file = Path(other["LABKIT_WORK"], "o.json")
    file.write_text(labkit("observe", env=other, check=0).stdout)
    labkit("check", *done, "--observation", str(file), "--learner", "Ada", "--workshop", "spring", check=0)
    copied = labkit("check", "--observation", str(file), "--learner", "Bob", "--workshop", "spring", check=2)
    assert "It is from Ada" in copied.stderr
    file.write_text(json.dumps(json.loads(file.read_text()) | {"taken": "2000-01-01"}))
    assert "its seal does not match" in labkit("check", "--observation", str(file), check=2).stderr

    refused = labkit(*UP, "--learner", "Bob", env=other, check=2)
    assert "A lab of Ada is up, and can't become Bob's lab." in refused.stderr
    # Repairs keep whose it is.
    labkit(*UP, env=other, check=0)
    assert '"learner": "Ada"' in labkit("observe", env=other).stdout
