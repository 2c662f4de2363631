"""Every error that a person sees."""


class LabError(Exception):
    """Something foreseeable went wrong.

    `what` says what happened and where, in a sentence; `fix` says what to do next, best as a command to type.
    """

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.what}\n  → {self.fix}" if self.fix else self.what


def nearest(word: str, known: list[str]) -> str:
    """The end of an error about an unknown word: the near one where there is one, else all that are known."""
    import difflib

    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else "known: " + ", ".join(known)
