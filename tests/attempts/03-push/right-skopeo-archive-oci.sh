# expect: all passed
# skopeo, out of an archive, in OCI's format
tag
on workstation <<'END'
skopeo copy --format oci --dest-creds myusername:mypassword docker-archive:/lab/myapp.tar docker://docker.io/myusername/myapp:v1.0.0
END
