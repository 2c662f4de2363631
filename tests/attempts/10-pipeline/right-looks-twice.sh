# expect: all passed
# a smoke test that fails is asked once more before the release goes back
SMOKE='sh smoke.sh shop $(cat VERSION) || sh smoke.sh shop $(cat VERSION) || { docker service rollback --detach shop; exit 1; }'
pipeline
