# expect: all passed
whole; STRATEGY=''
deployment | keep app.yaml
