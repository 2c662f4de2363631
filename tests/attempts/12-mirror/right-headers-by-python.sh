# expect: all passed
labkit limit hub --pulls 0
docker pull busybox
on workstation <<'END'
python3 - <<'PYTHON'
import json, urllib.request
realm = "https://auth.docker.io/token?service=registry.docker.io&scope=repository:ratelimitpreview/test:pull"
token = json.load(urllib.request.urlopen(realm))["token"]
url = "https://registry-1.docker.io/v2/ratelimitpreview/test/manifests/latest"
asked = urllib.request.Request(url, headers={"Authorization": "Bearer " + token}, method="HEAD")
print(urllib.request.urlopen(asked).headers)
PYTHON
END
labkit limit hub --off
proxy; both; pulled
cut_off; again worker2
