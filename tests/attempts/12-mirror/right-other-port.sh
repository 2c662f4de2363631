# expect: all passed
limited
on mirror <<'END'
sed -i 's/:5000/:5005/' /etc/docker/registry/config.yml
printf 'proxy:\n  remoteurl: https://registry-1.docker.io\n' >> /etc/docker/registry/config.yml
pkill -x docker-registry
until curl -s http://localhost:5005/v2/ > /dev/null; do sleep 0.1; done
END
mirrored worker1 http://mirror:5005; mirrored worker2 http://mirror:5005
pulled
cut_off; again worker2
