# expect: all passed
whole; there mkdir -p prod; deployment | keep prod/app.yml
