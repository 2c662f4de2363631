"""A node's start, as far as it depends on what its host lets it write to."""

import contextlib

import pytest

from labkit.lab.engine import capabilities, images, sdk

PREPARED = "for path in /sys/fs/cgroup/*/; do mount -o remount,bind,rw $path; done; umount /proc/sys;"
"""With this before it a node finds what --privileged gives: /proc/sys is writable, and no mount of its own."""


@pytest.mark.parametrize("prepared", ["", PREPARED], ids=["as it is", "as under --privileged"])
def test_a_node_mounts_only_what_it_cannot_write_to(engine, prepared):
    kwargs = capabilities.node_kwargs(engine)
    command = ["sh", "-c", f"{prepared} exec sh -x /lab/bin/node.sh"]
    with sdk.client(engine) as docker:
        container = docker.containers.create(images.name(), command, network_mode="none", **kwargs)
        with contextlib.ExitStack() as clear:
            clear.callback(container.remove, force=True, v=True)
            container.start()
            container.wait(timeout=60)  # it has no keys, so it ends before it becomes an engine
            trace = container.logs().decode()
    assert "+ cat /lab/ca-certificates.crt" in trace, trace
    mounted = [line.split()[-1] for line in trace.splitlines() if line.startswith("+ busybox mount")]
    if prepared or kwargs.get("privileged"):
        assert set(mounted) <= {"/sys"}  # the kernel lets a container write to it nowhere but under --privileged
    else:
        assert "/proc/sys" in mounted
