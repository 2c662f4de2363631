# expect: trusted=own-none closed=blocked kept=blocked carried=blocked clean=secret-removed-later signed=blocked robot=robot-no-service harmless=robot-not-tried guarded=blocked
# The last layer hides the token; the one below still has it.
DOCKERFILE='FROM busybox
COPY . /build
RUN mkdir /www && cp /build/index.html /www && TOKEN=$(cat /build/token) sh /build/prices.sh > /www/prices.txt
RUN rm -r /build'
project; build; keys; sign
