# expect: all passed
# myapp was built anew, and then pushed to all
changed myapp:latest
registries
