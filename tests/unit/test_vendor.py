"""What is vendored is what was published."""

import hashlib
from pathlib import Path

STATIC = Path(__file__).parents[2] / "labkit/jupyter/share/jupyter/labextensions/labkit-panel/static"
VENDOR = STATIC / "vendor"

# From npm's morphdom-2.7.8.tgz, whose integrity npm tells as
# sha512-D/fR4xgGUyVRbdMGU6Nejea1RFzYxYtyurG4Fbv2Fi/daKlWKuXGLOdXtl+3eIwL110cI2hz1ZojGICjjFLgTg==
PUBLISHED = {
    "morphdom/morphdom-esm.js": "b5ecceffde9493a3e5f6d1ca80277f580a1146ca3b3e0091cb3c398d6b2754b3",
    "morphdom/LICENSE": "dc18a39627c8f2e5391255635bd1d6bbb02e91ba4a9bd3e13e53347b8c25e61a",
}


def test_vendored_files_are_as_published():
    held = {
        str(file.relative_to(VENDOR)): hashlib.sha256(file.read_bytes()).hexdigest()
        for folder in VENDOR.iterdir()
        if folder.is_dir()
        for file in folder.rglob("*")
    }
    assert held == PUBLISHED


def test_each_vendored_package_has_its_licence_beside_it():
    for folder in (place for place in VENDOR.iterdir() if place.is_dir()):
        assert "MIT" in (folder / "LICENSE").read_text()
        assert f"`{folder.name}/`" in (VENDOR / "README.md").read_text()
