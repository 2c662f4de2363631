#!/bin/sh
# The app's smoke test. Run it after a deployment:  sh smoke.sh SERVICE VERSION
# Asks every task of the service for its version, on the node where the task runs. Exit status 0: all of them answer with VERSION.
# It waits for a rollout that is on its way, and gives up when the rollout is over and the answers are still wrong, or when
# nobody at all answers.
set -u
[ $# -eq 2 ] || { echo "usage: sh smoke.sh SERVICE VERSION" >&2; exit 2; }
answers() {
  for node in $(docker context ls --format '{{.Name}}' | grep -E '^(workstation|worker[0-9]+)$'); do
    for task in $(docker --context "$node" ps --quiet --filter "label=com.docker.swarm.service.name=$1"); do
      docker --context "$node" exec "$task" wget -qO- http://127.0.0.1:8080/VERSION 2> /dev/null || echo "no answer"
    done &
  done
  wait
}
complete() { # whether all replicas run
  count=$(docker service ls --filter "name=$1" --format '{{.Name}} {{.Replicas}}' | sed -n "s/^$1 \([0-9/]*\).*/\1/p")
  [ -n "$count" ] && [ "${count%/*}" = "${count#*/}" ]
}
updating() { # also while the Swarm only watches the last task, 5 seconds long
  case $(docker service inspect --format '{{with .UpdateStatus}}{{.State}}{{end}}' "$1" 2> /dev/null) in
    updating | rollback_started) return 0 ;;
  esac
  return 1
}
end=$(($(date +%s) + 30)) wrong=0
while :; do
  full=no; complete "$1" && full=yes
  said=$(answers "$1" | sort | uniq -c | sed 's/^ *//')
  if [ "$full" = yes ] && [ "${said#* }" = "$2" ]; then echo "smoke: $said"; exit 0; fi
  if [ "$full" = no ]; then wrong=0
  elif [ "${said#* }" = "no answer" ]; then wrong=$((wrong + 1))
  elif ! updating "$1"; then wrong=$((wrong + 2))
  fi
  if [ $wrong -ge 4 ] || [ "$(date +%s)" -ge $end ]; then
    echo "smoke: $1 should answer $2, and its tasks say: ${said:-nothing}" >&2; exit 1
  fi
  sleep 0.3
done
