# expect: pulled=pull-only-asked present=blocked
# a look at an image is no pull
ready
on worker1 <<'END'
skopeo inspect --creds myusername:mypassword docker://docker.io/myusername/myapp:v1.0.0
END
