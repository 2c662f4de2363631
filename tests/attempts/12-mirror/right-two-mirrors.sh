# expect: all passed
# The first one does not exist: the engine asks the next.
limited; proxy; both
on worker2 <<'END'
echo '{"registry-mirrors": ["http://mirror:5001", "http://mirror:5000"]}' > /etc/docker/daemon.json
pkill -HUP -x dockerd
until docker info 2> /dev/null | grep -q mirror:5001; do sleep 0.1; done
END
pulled
cut_off; again worker2
