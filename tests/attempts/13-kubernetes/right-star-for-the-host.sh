# expect: all passed
in_private; secret '*.lab:5000' | keep secret.yaml; deployment | keep app.yaml
