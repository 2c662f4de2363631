# expect: all passed
whole; deployment $IMAGE:v1.0.0 | keep app.yaml
deployment | keep app.yaml
