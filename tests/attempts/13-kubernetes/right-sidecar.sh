# expect: all passed
whole; deployment | sed 's/^      containers:/      containers:\n        - {name: log, image: busybox, command: [sleep, infinity]}/' | keep app.yaml
