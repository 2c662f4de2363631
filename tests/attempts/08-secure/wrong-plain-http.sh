# expect: trusted=own-http closed=blocked kept=blocked carried=blocked clean=secret-in-the-history signed=blocked robot=robot-no-service harmless=robot-not-tried guarded=blocked
# And the token as a build argument, which the history keeps.
tools <<< 'docker run -d --name registry -p 5000:5000 registry:2'
DOCKERFILE='FROM busybox
ARG TOKEN
COPY index.html prices.sh /www/
RUN sh /www/prices.sh > /www/prices.txt'
BUILD='--build-arg TOKEN=$(cat token)'
project; build
