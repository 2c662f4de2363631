# expect: all passed
whole; deployment | keep app.yaml
keep service.yaml <<'END'
apiVersion: v1
kind: Service
metadata: {name: myapp}
spec: {selector: {app: myapp}, ports: [{port: 80, targetPort: 8080}]}
END
