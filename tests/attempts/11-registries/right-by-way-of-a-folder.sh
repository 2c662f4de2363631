# expect: all passed
# the manifest goes to Nexus by way of a folder, byte by byte
at to_harbor to_ecr to_artifact hub private harbor ecr acr artifact
on workstation <<'END'
docker login -u myusername -p mypassword nexus.lab:8082
skopeo copy --all --authfile ~/.docker/config.json docker://registry.lab:5000/myusername/myapp:v1.0.0 dir:/tmp/myapp
skopeo copy --all --authfile ~/.docker/config.json dir:/tmp/myapp docker://nexus.lab:8082/myapp:v1.0.0
rm -r /tmp/myapp
END
expired
at fixed moved
table reflection="$why"
