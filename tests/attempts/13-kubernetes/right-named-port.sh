# expect: all passed
whole; MORE='ports: [{name: web, containerPort: 8080}]' READY='readinessProbe: {httpGet: {path: /index.html, port: web}}' ALIVE='livenessProbe: {tcpSocket: {port: web}, periodSeconds: 5}'
deployment | keep app.yaml
