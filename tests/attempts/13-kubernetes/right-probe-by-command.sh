# expect: all passed
whole; ALIVE='livenessProbe: {exec: {command: [wget, -q, -O, /dev/null, "http://localhost:8080/"]}}'
deployment | keep app.yaml
