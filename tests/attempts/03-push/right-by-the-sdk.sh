# expect: all passed
# Python's docker SDK
unset REQUESTS_CA_BUNDLE CURL_CA_BUNDLE  # requests takes these before what the context says
login
tag
python -c 'import docker; print(docker.from_env().images.push("myusername/myapp", "v1.0.0"))'
