# expect: all passed
# Python's docker SDK
unset REQUESTS_CA_BUNDLE CURL_CA_BUNDLE  # requests takes these before what the context says
python -c 'import docker; docker.from_env().images.get("myapp:latest").tag("myusername/myapp", "v1.0.0")'
