# Words that attempts (wrong-*.sh here, and tests/attempts) may use; each is what a learner types.
login() { docker login -u myusername -p mypassword; }
tag() { docker tag myapp:latest myusername/myapp:v1.0.0; }
push() { docker push myusername/myapp:v1.0.0; }
ready() { login && tag && push; }                       # exercises 01 to 03, done
on() { labkit shell "$1"; }                             # what is typed on that machine itself: on worker1 <<'END' … END
create() { docker service create --detach "$@"; }
webapp() { # a Dockerfile for the practice, with the mark of a personal lab; its argument is one more line
  printf 'FROM busybox\n%s\nCOPY index.html /www/index.html\n%s\nCMD ["httpd","-f","-p","8080","-h","/www"]\n' \
    "${LAB_SECRET:+LABEL lab.secret=$LAB_SECRET}" "${1:-}" > Dockerfile
}
built() { login && webapp && docker build -t myusername/webapp:v1.0.0 .; }
answers() { labkit answer 06-practice ci=b version=c automation=a reflection="$reflection"; }
reflection="A registry lets colleagues and machines fetch exactly the image that was tested, by its name, so nobody carries files around."
changed() { printf 'FROM myapp\nRUN echo changed > /changed\n' | docker build -t "$1" -; }
wait_for() { # wait_for WHAT COMMAND…: until the command succeeds, for 60 seconds at most
  local what=$1 end=$((SECONDS + 60)); shift
  until "$@" > /dev/null 2>&1; do [ $SECONDS -lt $end ] || { echo "never: $what" >&2; exit 1; }; sleep 0.1; done
}
replicas() { docker service ls --filter "name=$1" --format '{{.Replicas}}' | grep -q "^$2"; }
task_says() { docker service ps --no-trunc "$1" --format '{{.CurrentState}} {{.Error}}' | grep -qi "$2"; }
updated() { docker service inspect "$1" --format '{{.UpdateStatus.State}}' | grep -q "$2"; }
