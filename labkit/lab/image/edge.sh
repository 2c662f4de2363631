#!/bin/sh
set -eu
cd /lab && exec python3 -m edge
