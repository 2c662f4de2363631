# expect: all passed
labkit limit hub --pulls 0
docker pull busybox
headers
labkit limit hub --off
proxy; both; pulled
cut_off; again worker2
