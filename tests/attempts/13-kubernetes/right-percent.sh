# expect: all passed
whole; STRATEGY='strategy: {rollingUpdate: {maxUnavailable: 34%, maxSurge: 0}}'
deployment | keep app.yaml
