image=registry.lab:5000/myusername/myapp
docker login registry.lab:5000 -u myusername -p mypassword
docker tag myapp:latest $image:v1.0.0
docker push $image:v1.0.0
digest=$(docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' $image:v1.0.0 | sed -n "s,^$image@,,p" | head -n 1)
labkit shell kubernetes <<'END'
kubectl create secret docker-registry pull --docker-server=registry.lab:5000 --docker-username="$REGISTRY_USER" \
  --docker-password="$REGISTRY_PASSWORD" --dry-run=client -o yaml > secret.yaml
END
labkit shell kubernetes tee app.yaml <<END
apiVersion: apps/v1
kind: Deployment
metadata:
  name: myapp
spec:
  replicas: 3
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  selector:
    matchLabels:
      app: myapp
  template:
    metadata:
      labels:
        app: myapp
    spec:
      imagePullSecrets:
        - name: pull
      containers:
        - name: myapp
          image: $image@$digest
          ports:
            - containerPort: 8080
          readinessProbe:
            httpGet:
              path: /
              port: 8080
          livenessProbe:
            httpGet:
              path: /
              port: 8080
END
labkit shell kubernetes <<'END'
[ -e /opt/k3s/bin/k3s ] || exit 0 # this lab has no cluster
cluster
kubectl apply -f . && kubectl rollout status deployment/myapp --timeout 120s
kubectl set env deployment/myapp COLOR=blue && kubectl rollout status deployment/myapp --timeout 120s
kubectl rollout undo deployment/myapp && kubectl rollout status deployment/myapp --timeout 120s
END
