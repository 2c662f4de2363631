# expect: all passed
on workstation <<'END'
docker tag myapp myusername/myapp:v1.0.0
END
