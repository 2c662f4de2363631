#!/bin/sh
# cosign, as it is. While a trial plays, tools.py is told of each verification that succeeded (docs/decisions/0031-secure.md).
if [ -e /run/lab-moved.json ]; then
  /usr/lib/cosign/cosign "$@"
  status=$?
  case " $* " in *" verify "*) [ $status -ne 0 ] || python3 -I /lab/tools/tools.py verified ;; esac
  exit $status
fi
exec /usr/lib/cosign/cosign "$@"
