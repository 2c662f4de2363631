# expect: all passed
in_private; deployment | keep app.yaml
keep secret.yaml <<'END'
apiVersion: v1
kind: Secret
metadata: {name: pull}
type: kubernetes.io/dockerconfigjson
stringData:
  .dockerconfigjson: '{"auths": {"https://registry.lab:5000": {"username": "myusername", "password": "mypassword"}}}'
END
