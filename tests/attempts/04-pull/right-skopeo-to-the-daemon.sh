# expect: all passed
ready
on worker1 <<'END'
skopeo copy docker://docker.io/myusername/myapp:v1.0.0 docker-daemon:myusername/myapp:v1.0.0
END
