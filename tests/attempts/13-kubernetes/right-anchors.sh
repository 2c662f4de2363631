# expect: all passed
whole; READY='readinessProbe: &ask {httpGet: {path: /, port: 8080}}' ALIVE='livenessProbe: *ask'
deployment | keep app.yaml
