# expect: all passed
whole; deployment $IMAGE:v1.0.0@$(digest) | keep app.yaml
