"""Every error that a person sees."""

from labkit.text import visible


class LabError(Exception):
    """Something foreseeable went wrong.

    `what` says what happened and where, in a sentence. `fix` says what to do next, if possible as a command to type.
    """

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix

    def __str__(self) -> str:
        """For people: names chosen by others cannot move the cursor or start a new line."""
        return f"{visible(self.what)}\n  → {visible(self.fix)}" if self.fix else visible(self.what)


def nearest(word: str, known: list[str]) -> str:
    """The end of an error about an unknown word: the closest known word if there is one, otherwise all of them."""
    import difflib

    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else "known: " + ", ".join(known)
