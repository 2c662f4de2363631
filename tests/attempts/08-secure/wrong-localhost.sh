# expect: trusted=own-localhost closed=blocked kept=blocked carried=blocked clean=shop-no-prices signed=blocked robot=robot-no-service harmless=robot-not-tried guarded=blocked
# localhost is never checked, and means another machine on each machine. And a shop without prices.
tools <<< 'docker run -d --name registry -p 5000:5000 registry:2'
wait_for 'the registry' labkit shell workstation curl -s http://localhost:5000/v2/
tools <<< 'docker tag myapp localhost:5000/myapp && docker push -q localhost:5000/myapp'
DOCKERFILE='FROM busybox
COPY index.html /www/index.html'
project; build; keys; sign
