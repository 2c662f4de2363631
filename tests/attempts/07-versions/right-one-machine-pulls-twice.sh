# expect: all passed
# another tag than latest, pulled twice by the same machine
out
back
roll --image "$(digest v1.1.0)"
for version in v1.0.0 v1.1.0; do
  docker tag myusername/myapp:$version myusername/myapp:stable && docker push myusername/myapp:stable
  docker --context worker2 pull myusername/myapp:stable
done
held
answers07
