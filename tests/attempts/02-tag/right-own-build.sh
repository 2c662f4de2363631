# expect: all passed
# myapp built anew, then tagged
changed myapp:latest
tag
