# expect: all passed
# busybox was pulled first, so docker gives the Hub a layer as it got it: another digest there, until the manifest is copied
on workstation <<'END'
docker pull -q busybox
END
seven
on workstation <<'END'
skopeo copy --all --authfile ~/.docker/config.json docker://registry.lab:5000/myusername/myapp:v1.0.0 docker://myusername/myapp:v1.0.0
END
expired
at fixed moved
table reflection="$why"
