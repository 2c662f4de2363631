# expect: all passed
in_private; secret | keep secret.yaml; deployment $IMAGE | keep app.yaml
keep kustomization.yaml <<END
resources: [secret.yaml, app.yaml]
images:
- name: $IMAGE
  digest: $(digest)
END
