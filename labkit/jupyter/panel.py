"""What a cell shows of the lab: a view as HTML, with a button that refreshes it, or as text. In JupyterLab the live panel is
beside the notebook, and the cell only says so."""

import os
import time
from collections.abc import Mapping
from typing import Any

from labkit.content.exercises import Exercise
from labkit.lab.engine import doctor
from labkit.lab.looking import watch
from labkit.view import compose, plain, render

BESIDE = "The panel stands on the right, beside this notebook, and changes by itself. For a copy that stays here: {}"

THERE = "LABKIT_PANEL"
"""Set by the server extension: this kernel's notebook has the panel beside it."""


def beside() -> bool:
    """Whether the panel is beside the notebook. A kernel that nbconvert starts in one of JupyterLab's terminals has no
    session name (jupyter_server, sessionmanager.py)."""
    return THERE in os.environ and "JPY_SESSION_NAME" in os.environ


def widgets(names: Mapping[str, Any]) -> bool:
    """Whether somebody can click: a Jupyter server or VS Code shows the notebook, not nbconvert."""
    return "JPY_SESSION_NAME" in os.environ or "__vsc_ipynb_file__" in names


class Panel:
    """A view of the lab as it was when the cell ran."""

    def __init__(self, shown: tuple[str, ...], exercise: Exercise | None = None) -> None:
        self._shown, self._exercise = shown, exercise

    def _view(self) -> render.View:
        findings = tuple(doctor.examine()) if "doctor" in self._shown else ()
        return compose.view(self._shown, self._exercise, watch.look(), doctor=findings)

    def __repr__(self) -> str:
        return plain.text(self._view())

    def _repr_html_(self) -> str:
        return render.static(self._view())

    def _repr_mimebundle_(self, **_: Any) -> Any:
        import __main__

        view = self._view()
        told = {"text/plain": plain.text(view), "text/html": render.static(view)}
        return {**self._with_button(told["text/html"]), **told} if widgets(vars(__main__)) else told

    def _with_button(self, html: str) -> Any:
        """The same as a widget, with the HTML for programs that don't know widgets."""
        import ipywidgets

        shown = ipywidgets.HTML(html)
        looked = ipywidgets.Label(_now())
        button = ipywidgets.Button(description="Refresh", tooltip="Look at the lab again")

        def refresh(_: Any) -> None:
            shown.value, looked.value = render.static(self._view()), _now()

        button.on_click(refresh)
        return ipywidgets.VBox([ipywidgets.HBox([button, looked]), shown])._repr_mimebundle_()


def _now() -> str:
    return f"As it was at {time.strftime('%H:%M:%S')}."
