# expect: trusted=passed closed=passed kept=kept-plain carried=passed clean=passed signed=sign-other-digest robot=robot-no-service harmless=robot-not-tried guarded=blocked
# And pushed again after it was signed: the tag leads to another digest.
certificate; registry $TLS $AUTH; trust workstation worker1 worker2; sign_in; carry
released
DOCKERFILE="$DOCKERFILE
LABEL second=build" build
