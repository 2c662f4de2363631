"""The widget that stands for a panel in JupyterLab."""

from pathlib import Path

import anywidget
import traitlets

from labkit.view.render import LABELS

HERE = Path(__file__).parent


def javascript() -> str:
    """The widget's module: morphdom as published, which looks for a CommonJS `module` to leave itself in, and panel.js."""
    morphdom = (HERE / "vendor" / "morphdom" / "morphdom-umd.js").read_text()
    given = f"const morphdom = ((module, exports) => {{\n{morphdom}\nreturn module.exports;\n}})({{ exports: {{}} }}, {{}});\n"
    return given + (HERE / "panel.js").read_text()


class Widget(anywidget.AnyWidget):
    """Holds the HTML of each part; JupyterLab's copy of it is kept the same by ipywidgets."""

    _esm = javascript()
    _css = (HERE.parent / "view" / "panel.css").read_text()
    shown = traitlets.List(traitlets.Unicode()).tag(sync=True)
    labels = traitlets.Dict(LABELS).tag(sync=True)
    notice = traitlets.Unicode().tag(sync=True)
    checks = traitlets.Unicode().tag(sync=True)
    quiz = traitlets.Unicode().tag(sync=True)
    picture = traitlets.Unicode().tag(sync=True)
    feed = traitlets.Unicode().tag(sync=True)
    tools = traitlets.Unicode().tag(sync=True)
    course = traitlets.Unicode().tag(sync=True)
    lab = traitlets.Unicode().tag(sync=True)
    doctor = traitlets.Unicode().tag(sync=True)
