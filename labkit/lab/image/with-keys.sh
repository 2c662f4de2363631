#!/bin/sh
# Unpacks the machine's keys, which come in LAB_KEYS (docker-compose.lab.yml mounts them instead), and becomes the command.
set -eu
if [ -n "${LAB_KEYS:-}" ]; then
  printf %s "$LAB_KEYS" | base64 -d | tar -xzC /lab/pki
  unset LAB_KEYS
fi
exec "$@"
