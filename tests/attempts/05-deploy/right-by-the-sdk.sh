# expect: all passed
# Python's docker SDK
unset REQUESTS_CA_BUNDLE CURL_CA_BUNDLE  # requests takes these before what the context says
ready
python - <<'END'
import docker
from docker.types import ServiceMode
docker.from_env().services.create("myusername/myapp:v1.0.0", name="myapp", mode=ServiceMode("replicated", 3))
END
