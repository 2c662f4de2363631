# expect: all passed
# to delete what a tag leads to is refused: it is still there
ready
on workstation <<'END'
skopeo delete --creds myusername:mypassword docker://docker.io/myusername/myapp:v1.0.0
END
