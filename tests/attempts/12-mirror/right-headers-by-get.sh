# expect: all passed
labkit limit hub --pulls 0
on worker2 <<'END'
TOKEN=$(curl -s "https://auth.docker.io/token?service=registry.docker.io&scope=repository:library/busybox:pull" | jq -r .token)
curl -si -H "Authorization: Bearer $TOKEN" https://registry-1.docker.io/v2/library/busybox/manifests/latest
END
labkit limit hub --off
proxy; both; pulled
cut_off; again worker2
