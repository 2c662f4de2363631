# expect: pulled=pull-none present=blocked
ready
on worker2 <<'END'
docker manifest inspect myusername/myapp:v1.0.0
END
