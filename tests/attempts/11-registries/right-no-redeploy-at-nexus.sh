# expect: all passed
# Nexus' deployment policy
seven
expired
on workstation <<'END'
curl -sS -u admin:admin123 -H 'Content-Type: application/json' -X PUT https://nexus.lab:8081/service/rest/v1/repositories/docker/hosted/docker-hosted \
  -d '{"name": "docker-hosted", "online": true, "storage": {"blobStoreName": "default", "strictContentTypeValidation": true, "writePolicy": "ALLOW_ONCE"},
       "docker": {"v1Enabled": false, "forceBasicAuth": false, "httpPort": 8082}}'
skopeo copy --authfile ~/.docker/config.json docker://docker.io/library/busybox:latest docker://nexus.lab:8082/myapp:v1.0.0
END
table reflection="$why"
