# expect: all passed
tag
on workstation <<'END'
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot CONTAINERS_STORAGE_CONF=/dev/null
buildah pull docker-archive:/lab/myapp.tar
buildah push --creds myusername:mypassword $(buildah images -q | head -1) docker://docker.io/myusername/myapp:v1.0.0
END
