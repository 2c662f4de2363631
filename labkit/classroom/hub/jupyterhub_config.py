"""What JupyterHub reads when it starts: the folder in LABKIT_HUB says the rest."""

import os
from pathlib import Path

from labkit.classroom.hub import config

settings, kept = config.read(Path(os.environ["LABKIT_HUB"]))
for kind, traits in config.made(settings, kept, config.for_services()).items():
    get_config()[kind].update(traits)  # type: ignore[name-defined]  # noqa: F821  (JupyterHub runs this file with it)
