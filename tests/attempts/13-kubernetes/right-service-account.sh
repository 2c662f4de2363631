# expect: all passed
whole; PULL='serviceAccountName: puller'
deployment | keep app.yaml
keep account.yaml <<'END'
apiVersion: v1
kind: ServiceAccount
metadata: {name: puller}
imagePullSecrets: [{name: pull}]
END
