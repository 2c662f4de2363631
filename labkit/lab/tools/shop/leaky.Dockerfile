FROM busybox
ARG TOKEN
COPY . /build
RUN mkdir /www && cp /build/index.html /www && TOKEN=$TOKEN sh /build/prices.sh > /www/prices.txt
RUN rm -r /build
CMD ["sh", "-c", "trap 'exit 0' TERM; httpd -f -p 8080 -h /www & wait"]
