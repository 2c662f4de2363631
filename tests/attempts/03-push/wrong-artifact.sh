# expect: in_hub=push-not-image same_image=blocked is_sample=blocked
# a file as an OCI artifact
login
tag
on workstation <<'END'
echo hello > /tmp/hello.txt
cd /tmp && oras push --username myusername --password mypassword registry-1.docker.io/myusername/myapp:v1.0.0 hello.txt
END
