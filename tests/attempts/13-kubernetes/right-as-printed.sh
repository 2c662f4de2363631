# expect: all passed
docker login registry.lab:5000 -u myusername -p mypassword
docker tag myapp registry.lab:5000/myusername/myapp:v1.0.0
docker push registry.lab:5000/myusername/myapp:v1.0.0
on kubernetes <<'END'
kubectl create secret docker-registry pull --docker-server=registry.lab:5000 --docker-username="$REGISTRY_USER" --docker-password="$REGISTRY_PASSWORD" --dry-run=client -o yaml > secret.yaml
END
deployment | keep app.yaml
