# expect: trusted=own-other-name closed=blocked kept=blocked carried=blocked clean=secret-in-a-file signed=blocked robot=robot-no-service harmless=robot-not-tried guarded=blocked
# And the token's file copied with everything else.
SAN=DNS:registry.example certificate; registry $TLS $AUTH; trust workstation worker1 worker2
DOCKERFILE='FROM busybox
COPY . /www
RUN TOKEN=$(cat /www/token) sh /www/prices.sh > /www/prices.txt'
project; build; keys; sign
