"""What JupyterHub reads when it starts: the folder in LABKIT_HUB says the rest."""

import os
from pathlib import Path

from labkit.classroom.hub import config

for kind, traits in config.made(*config.read(Path(os.environ["LABKIT_HUB"]))).items():
    get_config()[kind].update(traits)  # type: ignore[name-defined]  # noqa: F821  (JupyterHub runs this file with it)
