# expect: all passed
# v1.2.0 was tried, too, before the way back; one more update after it
out
again v1.2.0
roll --image myusername/myapp:v1.2.0
roll --image myusername/myapp:v1.0.0
roll --image "$(digest v1.1.0)"
moves latest
held
answers07
