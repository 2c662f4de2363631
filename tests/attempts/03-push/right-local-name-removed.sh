# expect: all passed
# the registry has it; the workstation's copy of the name is gone
ready
docker image rm myusername/myapp:v1.0.0
