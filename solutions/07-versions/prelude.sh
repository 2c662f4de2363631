# For 07-versions: its steps, one word each.
at_once=(--update-parallelism 3 --update-monitor 100ms --rollback-parallelism 3 --rollback-monitor 100ms)
running() { # running [OPTION…]: exercise 05, done, with updates that are through at once
  ready && create --name myapp --replicas 3 "${at_once[@]}" "$@" myusername/myapp:v1.0.0
  wait_for running replicas myapp 3/3
}
edit() { sed -i 's/v1.0.0/v1.1.0/' Dockerfile && echo "<p>${1:-New: opening hours}</p>" >> index.html; }
release() { docker build -t myusername/myapp:v1.1.0 . && docker push myusername/myapp:v1.1.0; }
roll() { docker service update --detach "$@" myapp && wait_for updated updated myapp '^completed'; }
back() { docker service rollback --detach myapp && wait_for 'rolled back' updated myapp rollback_completed; }
digest() { docker image inspect "myusername/myapp:$1" --format '{{range .RepoDigests}}{{println .}}{{end}}' | grep -m1 ^myusername/myapp@; }
moves() { # moves TAG: v1.0.0, then v1.1.0, each pulled by another worker
  for step in v1.0.0:worker1 v1.1.0:worker2; do
    docker tag "myusername/myapp:${step%:*}" "myusername/myapp:$1" && docker push "myusername/myapp:$1"
    docker --context "${step#*:}" pull "myusername/myapp:$1"
  done
}
again() { printf 'FROM myusername/myapp:v1.1.0\nRUN echo again >> /www/index.html\n' | docker build -t "myusername/myapp:${1:-v1.1.0}" - && docker push "myusername/myapp:${1:-v1.1.0}"; }
held() { labkit immutable myusername/myapp --on && ! again; }
answers07() { labkit answer 07-versions numbers=bca update=b name=c; }
out() { running && edit && release && roll --image myusername/myapp:v1.1.0; }
