# expect: all passed
# a pattern holds the versions, and latest still moves
running
edit && release
labkit immutable myusername/myapp --on --pattern '^v[0-9]'
again
moves latest
roll --image myusername/myapp:v1.1.0
back
docker pull myusername/myapp:v1.1.0
roll --image "$(digest v1.1.0)"
answers07
