# expect: trusted=passed closed=passed kept=kept-beside carried=own-not-pulled clean=passed signed=sign-other-key robot=robot-no-service harmless=robot-not-tried guarded=blocked
# Setting credsStore moves nothing. And new keys after the signature.
certificate; registry $TLS $AUTH; trust workstation worker1 worker2; sign_in
tools <<< 'cp ~/.docker/config.json /tmp/before.json'
helper; sign_in
tools <<< 'jq ". + {credsStore: \"pass\"}" /tmp/before.json > ~/.docker/config.json'
released; keys
