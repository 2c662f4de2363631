# expect: trusted=own-untrusted closed=blocked kept=blocked carried=blocked clean=secret-in-the-settings signed=blocked robot=robot-no-service harmless=robot-not-tried guarded=blocked
# And the token in a variable of the image, in base64.
certificate; registry $TLS $AUTH
DOCKERFILE='FROM busybox
COPY index.html /www/index.html
RUN --mount=type=secret,id=token --mount=type=bind,source=prices.sh,target=/prices.sh TOKEN=$(cat /run/secrets/token) sh /prices.sh > /www/prices.txt
ENV SUPPLIER=@TOKEN@'
tools <<< 'base64 -w0 token > token64'
DOCKERFILE=${DOCKERFILE/@TOKEN@/$(labkit shell tools cat token64)}
project; build
