# expect: all passed
in_private; secret registry.lab:5000 colleague theirpassword | keep secret.yaml; deployment | keep app.yaml
