# expect: all passed
in_private; deployment | keep app.yaml
on kubernetes <<'END'
kubectl create secret docker-registry pull --docker-server=registry.lab:5000 --docker-username=$REGISTRY_USER --docker-password=$REGISTRY_PASSWORD --dry-run=client -o json > secret.json
python3 -c 'import json, yaml; json.dump(yaml.safe_load(open("app.yaml")), open("app.json", "w"))'; rm app.yaml
END
