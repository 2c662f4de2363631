"""Keeps a program running beside the edge: the store, nginx."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence

PAUSES = (0.1, 0.2, 0.4, 0.8)
"""Seconds before each new start, where the program ends again and again. After the last of them it is given up."""

STEADY = 10.0
"""Seconds after which a program that ends counts as one that had started well."""

PARTING = 5.0
"""Seconds that it may take to end when it is asked to."""


async def keep_all_running(programs: Mapping[str, Sequence[str]]) -> str:
    """Runs these commands, each by a name that begins a sentence, until one of them is given up. Returns which, and why.

    Ends the others then, and all of them when it is cancelled.
    """
    keeping = {asyncio.create_task(keep_running(command)): name for name, command in programs.items()}
    try:
        ended, _ = await asyncio.wait(keeping, return_when=asyncio.FIRST_COMPLETED)
        first = ended.pop()
        return f"{keeping[first]} does not run: {first.result()}."
    finally:
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)


async def keep_running(command: Sequence[str]) -> str:
    """Runs the command, and again whenever it ends. What it prints goes where the edge's own words go.

    Returns why it was given up. Cancelled, it ends the program first.
    """
    ends = 0
    while True:
        began = time.monotonic()
        how = await _run(command)
        ends = 1 if time.monotonic() - began > STEADY else ends + 1
        if ends > len(PAUSES):
            return f"{command[0]} {how}, {ends} times in a row"
        print(f"{command[0]} {how}: starting it again", file=sys.stderr, flush=True)
        await asyncio.sleep(PAUSES[ends - 1])


async def _run(command: Sequence[str]) -> str:
    """Runs the command once, and tells how it ended."""
    try:
        # Not in the edge's group, which gets every signal that the container gets: the edge says when it ends. What it makes,
        # nobody but the group may write or read: so nginx, which is not root, can speak to the store's socket.
        process = await asyncio.create_subprocess_exec(*command, start_new_session=True, umask=0o007)
    except OSError as error:
        return f"could not be started: {error}"
    try:
        return f"ended with exit code {await process.wait()}"
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError, TimeoutError):
            process.terminate()
            await asyncio.wait_for(process.wait(), PARTING)
        raise
    finally:
        with contextlib.suppress(ProcessLookupError):  # nginx that is killed leaves its workers, who keep its ports
            os.killpg(process.pid, signal.SIGKILL)
