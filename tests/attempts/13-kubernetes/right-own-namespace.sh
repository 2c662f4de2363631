# expect: all passed
in_private; META='name: myapp, namespace: shop'
deployment | keep app.yaml
secret | sed 's/name: pull/name: pull\n  namespace: shop/' | keep secret.yaml
keep space.yaml <<'END'
apiVersion: v1
kind: Namespace
metadata: {name: shop}
END
