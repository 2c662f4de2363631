# expect: all passed
whole; deployment $IMAGE:v1.0.0 | keep app.yaml; labkit reset 13-kubernetes
whole; deployment | keep app.yaml
