# expect: all passed
# The token is in the first stage only, which nobody pushes.
DOCKERFILE='FROM busybox AS prices
COPY token prices.sh /build/
RUN TOKEN=$(cat /build/token) sh /build/prices.sh > /prices.txt
FROM busybox
COPY index.html /www/index.html
COPY --from=prices /prices.txt /www/prices.txt
CMD ["sh", "-c", "trap '"'exit 0'"' TERM; httpd -f -p 8080 -h /www & wait"]'
secured
