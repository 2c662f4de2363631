# expect: all passed
in_private
{ echo "apiVersion: v1"; echo "kind: List"; echo "items:"; deployment | sed "1s/^/- /;2,\$s/^/  /"; secret | sed "1s/^/- /;2,\$s/^/  /"; } | keep list.yaml
