"""What is vendored is what was published."""

import hashlib
from pathlib import Path

VENDOR = Path(__file__).parents[2] / "labkit" / "jupyter" / "vendor"

# From npm's morphdom-2.7.8.tgz, whose integrity npm tells as
# sha512-D/fR4xgGUyVRbdMGU6Nejea1RFzYxYtyurG4Fbv2Fi/daKlWKuXGLOdXtl+3eIwL110cI2hz1ZojGICjjFLgTg==
PUBLISHED = {
    "morphdom/morphdom-umd.js": "6b5bc205c08800dd59f1792032f723b7ee3aedae70ef64353c8233e0eed7c1cb",
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
