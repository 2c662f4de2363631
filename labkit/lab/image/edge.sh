#!/bin/sh
set -eu
# What a rush took is given back after it: else small pieces that glibc keeps at hand hold all that lies below them, and Go keeps
# as much again as it uses.
export GLIBC_TUNABLES=glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0:glibc.malloc.trim_threshold=131072 GOMEMLIMIT=32MiB
cd /lab && exec python3 -m edge
