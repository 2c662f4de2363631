# expect: all passed
# skopeo, out of the engine
tag
on workstation <<'END'
skopeo copy --dest-creds myusername:mypassword docker-daemon:myapp:latest docker://docker.io/myusername/myapp:v1.0.0
END
