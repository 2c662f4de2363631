# expect: trusted=passed closed=passed kept=kept-elsewhere carried=passed clean=secret-in-other-tag signed=blocked robot=robot-no-service harmless=robot-not-tried guarded=blocked
# And an older image with the token is still there.
certificate; registry $TLS $AUTH; trust workstation worker1 worker2; helper; sign_in
tools <<< "docker tag myapp $HOST/myapp && docker push -q $HOST/myapp"
on worker2 <<< "echo wonderland | docker login -u alice --password-stdin $HOST && docker pull -q $HOST/myapp"
project
tools <<< "docker build -q -f leaky.Dockerfile --build-arg TOKEN=\$(cat token) -t $SHOP:old . && docker push -q $SHOP:old"
build; keys; sign
