#!/bin/sh
# Makes busybox, registry and myapp as OCI images and puts the first two into a registry's storage folder: /seed/registry, /seed/myapp.tar
set -eu
version=$(busybox 2>&1 | sed -n '1s/^BusyBox v\([0-9.]*\).*/\1/p')
mkdir -p /seed/registry /build/rootfs/bin /build/rootfs/tmp /build/rootfs/root /build/rootfs/etc
cp /bin/busybox /build/rootfs/bin/busybox
# Hard links, as in Docker Hub's own busybox: an engine unpacks 400 of them in half the time of symbolic links.
for name in $(/bin/busybox --list); do
  [ "$name" = busybox ] || ln /build/rootfs/bin/busybox "/build/rootfs/bin/$name"
done
echo 'root:x:0:0:root:/root:/bin/sh' > /build/rootfs/etc/passwd
echo 'root:x:0:' > /build/rootfs/etc/group
chmod 1777 /build/rootfs/tmp

cd /build
umoci init --layout image
umoci new --image image:busybox
umoci insert --rootless --image image:busybox /build/rootfs /
umoci config --image image:busybox --config.cmd sh --config.env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umoci tag --image image:busybox myapp
umoci insert --rootless --image image:myapp /build/myapp/index.html /www/index.html
umoci config --image image:myapp --config.label org.opencontainers.image.title=myapp --config.exposedports 8080/tcp \
  --config.cmd sh --config.cmd -c --config.cmd "trap 'exit 0' TERM; httpd -f -p 8080 -h /www & wait"
skopeo copy --insecure-policy oci:image:myapp docker-archive:/seed/myapp.tar:myapp:latest
# What the sample app is, for grading.
skopeo inspect --config oci:image:myapp > /seed/sample.json

# CNCF Distribution as an image, for a registry of one's own (08-secure): Debian's program, started as Docker Hub's `registry` is.
root=/build/registry
mkdir -p $root/bin $root/etc/docker/registry $root/var/lib/registry
cp /usr/bin/docker-registry $root/bin/registry
for library in $(ldd /usr/bin/docker-registry | grep -o '/[^ )]*' || true); do
  mkdir -p "$root$(dirname "$library")" && cp -L "$library" "$root$library"
done
cp /build/registry.yml $root/etc/docker/registry/config.yml
umoci tag --image image:busybox registry
umoci insert --rootless --image image:registry $root /
umoci config --image image:registry --config.entrypoint registry --clear=config.cmd --config.cmd serve \
  --config.cmd /etc/docker/registry/config.yml --config.exposedports 5000/tcp --config.volume /var/lib/registry

REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/seed/registry REGISTRY_HTTP_NET=tcp REGISTRY_HTTP_ADDR=127.0.0.1:5000 \
  docker-registry serve store.yml & registry=$!
for tag in latest "$version"; do
  skopeo copy --insecure-policy --retry-times 5 --dest-tls-verify=false --format v2s2 \
    oci:image:busybox "docker://127.0.0.1:5000/hub/library/busybox:$tag"
done
skopeo copy --insecure-policy --retry-times 5 --dest-tls-verify=false --format v2s2 oci:image:registry docker://127.0.0.1:5000/hub/library/registry:2
kill $registry
