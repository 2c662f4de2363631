# expect: all passed
tag
on workstation <<'END'
skopeo copy docker-archive:/lab/myapp.tar oci:/tmp/layout-$$:v1
oras cp --from-oci-layout /tmp/layout-$$:v1 --to-username myusername --to-password mypassword registry-1.docker.io/myusername/myapp:v1.0.0
rm -rf /tmp/layout-$$
END
