# expect: all passed
# a credential helper for all registries
mkdir -p bin && cat > bin/docker-credential-kept <<'END'
#!/bin/sh
case $1 in
  store) cat > "$DOCKER_CONFIG/kept.json" ;;
  get) cat "$DOCKER_CONFIG/kept.json" ;;
  erase) rm -f "$DOCKER_CONFIG/kept.json" ;;
  list) echo '{"https://index.docker.io/v1/": "myusername"}' ;;
esac
END
chmod +x bin/docker-credential-kept
export PATH=$PWD/bin:$PATH
python - <<'END'
import json, os
path = os.environ["DOCKER_CONFIG"] + "/config.json"
config = json.load(open(path)) | {"credsStore": "kept"}
json.dump(config, open(path, "w"))
END
docker login -u myusername -p mypassword
