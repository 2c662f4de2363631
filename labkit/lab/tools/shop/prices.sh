#!/bin/sh
# Fetches the price list from the supplier (here it is made on the spot). The supplier wants its token, in the variable TOKEN.
set -eu
if [ "$(printf %s "${TOKEN:-}" | sha256sum)" != "HASH  -" ]; then
  echo "prices: 401 Unauthorized: this is not the token" >&2
  exit 1
fi
printf 'coffee 3.20\ntea 2.80\ncake 4.50\n'
