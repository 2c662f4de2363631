"""What cells show from labkit itself: a sentence or two, as HTML in a notebook and as text anywhere else."""

from html import escape

from labkit.text import lines

EXPLAIN = "#labkit-explain"
"""The address of a link that the panel follows: there it explains what the cell printed."""


class Message:
    """A sentence or two."""

    style = ""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return lines(self.text)

    def _repr_html_(self) -> str:
        html = escape(lines(self.text))
        return f'<div role="status" style="white-space:pre-wrap;{self.style}">{html}{self.more()}</div>'

    def more(self) -> str:
        """HTML that comes after the text."""
        return ""


class Meaning(Message):
    """What a message from docker means, with a link to more."""

    style = "padding-left:1.4em;text-indent:-1.4em"

    def __init__(self, means: str) -> None:
        super().__init__(f"→ {means}")

    def __repr__(self) -> str:
        return f"{super().__repr__()} More: %explain"

    def more(self) -> str:
        return f' More: <a href="{EXPLAIN}">in the panel</a>, or <code>%explain</code>'


class Quiet(Message):
    """A quiet line, worth a glance."""

    style = "font-size:90%;opacity:.8"
