# expect: trusted=passed closed=own-open kept=blocked carried=blocked clean=passed signed=sign-none robot=robot-no-service harmless=robot-not-tried guarded=blocked
# And an image that nobody signed.
certificate; registry $TLS; trust workstation worker1 worker2
tools <<< "docker tag myapp $HOST/myapp && docker push -q $HOST/myapp"
project; build; keys
