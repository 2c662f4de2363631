# expect: all passed
# a credential helper for this registry
mkdir -p bin && cat > bin/docker-credential-kept <<'END'
#!/bin/sh
case $1 in
  store) cat > "$DOCKER_CONFIG/kept.json" ;;
  get) cat "$DOCKER_CONFIG/kept.json" ;;
esac
END
chmod +x bin/docker-credential-kept
export PATH=$PWD/bin:$PATH
python - <<'END'
import json, os
path = os.environ["DOCKER_CONFIG"] + "/config.json"
config = json.load(open(path)) | {"credHelpers": {"https://index.docker.io/v1/": "kept"}}
json.dump(config, open(path, "w"))
END
docker login -u myusername -p mypassword
