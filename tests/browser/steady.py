#!/usr/bin/env python3
"""Chromium, which is told nothing of the machine's networks: CHROMIUM=PATH steady.py [ARGUMENT ...]

Where an address comes or goes, and each lab beside a test brings some, Chromium gives up what it is connecting to with
ERR_NETWORK_CHANGED, from loopback to loopback, too (net/base/network_change_notifier.h, tried with Chromium 156). It listens at a netlink
socket (address_tracker_linux.cc) and takes the machine for online where it gets none: the kernel refuses it that one.
Nothing but Python's own library: a browser's test starts this where its packages may not be.
"""

import ctypes
import errno
import os
import platform
import socket
import struct
import sys

CALLS = {"x86_64": 41, "aarch64": 198}
"""The number of socket(2) by the machine's architecture (asm/unistd.h)."""

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, IF_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER, FIRST = 0, 16
"""Where the call's number and its first argument are in struct seccomp_data."""
REFUSE, ALLOW = 0x0005_0000 | errno.EAFNOSUPPORT, 0x7FFF_0000


class Program(ctypes.Structure):
    """struct sock_fprog (linux/filter.h)."""

    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def refuse_netlink(call):
    """For this process and all that it starts. Raises OSError where the kernel has no seccomp."""
    steps = (
        (LOAD, 0, 0, NUMBER),
        (IF_EQUAL, 0, 3, call),
        (LOAD, 0, 0, FIRST),
        (IF_EQUAL, 0, 1, socket.AF_NETLINK),
        (RETURN, 0, 0, REFUSE),
        (RETURN, 0, 0, ALLOW),
    )
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    libc = ctypes.CDLL(None, use_errno=True)
    for words in (
        (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(Program(len(steps), code)), 0, 0),
    ):
        if libc.prctl(*words):
            raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    if call := CALLS.get(platform.machine()):
        refuse_netlink(call)
    os.execv(os.environ["CHROMIUM"], ["chromium", *sys.argv[1:]])
