# expect: all passed
# myapp built anew, then tagged and pushed
changed myapp:latest
ready
