# expect: all passed
whole; PULL=''
deployment | keep app.yaml
keep account.yaml <<'END'
apiVersion: v1
kind: ServiceAccount
metadata: {name: default}
imagePullSecrets: [{name: pull}]
END
