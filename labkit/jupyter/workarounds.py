"""Where another library has to be bent by a name that is private to it.

Each has a test against the real library that fails when it is no longer needed (tests/integration/test_workarounds.py).
"""

from typing import Any


def answer_during_cells(comm: Any) -> None:
    """Has messages to this comm handled while a cell runs.

    JupyterLab sends them by a subshell of their own. ipykernel 7.4 takes them for answers to what the main thread said last,
    and has them wait for it (ipykernel/comm/comm.py: _reply_subshell_for; kernelbase.py: shell_channel_thread_main).
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _data, default: default
