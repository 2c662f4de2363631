# expect: all passed
whole; MORE='args: ["sh", "-c", "echo {{ready}}; httpd -f -p 8080 -h /www"]'
deployment | keep app.yaml
