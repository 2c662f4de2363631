# expect: all passed
# the registry is not there while it is cleaned
delete v1.0.0
on depot <<'END'
sed -i '/cache:/d; /blobdescriptor:/d' /etc/docker/registry/config.yml
pkill -STOP -x docker-registry
docker-registry garbage-collect /etc/docker/registry/config.yml | tail -n 1
pkill -CONT -x docker-registry; pkill -x docker-registry
while pidof docker-registry > /dev/null; do sleep 0.1; done
until curl -sf http://localhost:5000/v2/ > /dev/null; do sleep 0.1; done
END
back; retention; nodes; try
