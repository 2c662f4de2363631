# expect: all passed
in_private; { secret; echo ---; deployment; } | keep all.yaml
