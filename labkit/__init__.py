"""Registry Lab: a training lab for Docker registries in CI/CD.

In a notebook: `from labkit import panel; panel("03-push")`.
"""

from typing import Any

__version__ = "0.1.0"
__all__ = ["answer", "check", "explain", "hint", "panel", "quiz", "start"]


def __getattr__(name: str) -> Any:
    if name in __all__:  # imported only when a notebook asks: the command must start fast
        from labkit.jupyter import notebook

        return getattr(notebook, name)
    raise AttributeError(f"module 'labkit' has no attribute {name!r}")
