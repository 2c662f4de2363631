# expect: all passed
DELETE='sed "s|^|$api/manifests/|" rest | xargs -r -n 1 -P 8 curl -s --fail -X DELETE'
by_hand; retention; nodes; try
