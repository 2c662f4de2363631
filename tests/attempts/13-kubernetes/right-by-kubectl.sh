# expect: all passed
whole; on kubernetes <<END
kubectl create deployment myapp --image=$IMAGE@$(digest) --replicas=3 --port=8080 --dry-run=client -o yaml > made
python3 - <<'PYTHON' > app.yaml
import yaml
made = yaml.safe_load(open("made"))
pod = made["spec"]["template"]["spec"]
pod["imagePullSecrets"] = [{"name": "pull"}]
ask = {"httpGet": {"path": "/", "port": 8080}}
pod["containers"][0] |= {"readinessProbe": ask, "livenessProbe": ask}
print(yaml.safe_dump(made))
PYTHON
rm made
END
