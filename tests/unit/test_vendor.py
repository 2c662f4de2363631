"""What is vendored is what was published."""

import hashlib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "labkit"
PANEL = PACKAGE / "jupyter/share/jupyter/labextensions/labkit-panel/static/vendor"
CLASSROOM = PACKAGE / "classroom/app/static/vendor"

# From npm's packages, whose integrity npm tells as
# morphdom-2.7.8.tgz     sha512-D/fR4xgGUyVRbdMGU6Nejea1RFzYxYtyurG4Fbv2Fi/daKlWKuXGLOdXtl+3eIwL110cI2hz1ZojGICjjFLgTg==
# xterm-xterm-6.0.0.tgz  sha512-TQwDdQGtwwDt+2cgKDLn0IRaSxYu1tSUjgKarSDkUM0ZNiSRXFpjxEsvc/Zgc5kq5omJ+V0a8/kIM2WD3sMOYg==
# xterm-addon-fit-0.11.0.tgz
#                        sha512-jYcgT6xtVYhnhgxh3QgYDnnNMYTcf8ElbxxFzX0IZo+vabQqSPAjC3c1wJrKB5E19VwQei89QCiZZP86DCPF7g==
PUBLISHED = {
    PANEL: {
        "morphdom/morphdom-esm.js": "b5ecceffde9493a3e5f6d1ca80277f580a1146ca3b3e0091cb3c398d6b2754b3",
        "morphdom/LICENSE": "dc18a39627c8f2e5391255635bd1d6bbb02e91ba4a9bd3e13e53347b8c25e61a",
    },
    CLASSROOM: {
        "addon-fit/addon-fit.js": "ba3ea256ce0620a0992a197d6c9baea64823fc93d8da07a9e366ca9943c18527",
        "addon-fit/LICENSE": "e256f01188af527e4d06d21d06fbf785ae9c50d4b328bf03cbe0ba7f0aa4228f",
        "xterm/xterm.js": "14903579ff54664cd72f8e8699e6961a6272c21863ec1c3b118cdc8af5d4a972",
        "xterm/xterm.css": "854a7c0fb70e8b1a083c16797ab827299fb18744f5ad34f227b48337e33293c6",
        "xterm/LICENSE": "b569f629d00f2626a8100df2a1798210535621e42164dfd426a6fe5aac7b0ccd",
    },
}


@pytest.mark.parametrize("vendor", PUBLISHED, ids=["panel", "classroom"])
def test_vendored_files_are_as_published(vendor):
    held = {
        str(file.relative_to(vendor)): hashlib.sha256(file.read_bytes()).hexdigest()
        for folder in vendor.iterdir()
        if folder.is_dir()
        for file in folder.rglob("*")
    }
    assert held == PUBLISHED[vendor]


@pytest.mark.parametrize("vendor", PUBLISHED, ids=["panel", "classroom"])
def test_each_vendored_package_has_its_licence_beside_it(vendor):
    for folder in (place for place in vendor.iterdir() if place.is_dir()):
        licence = (folder / "LICENSE").read_text()
        assert "MIT" in licence or "Permission is hereby granted, free of charge" in licence
        assert f"`{folder.name}/`" in (vendor / "README.md").read_text()
