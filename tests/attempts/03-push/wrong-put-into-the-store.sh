# expect: in_hub=push-not-by-push same_image=blocked is_sample=blocked
# the owner of the lab copies an image to where the registry keeps it
login
tag
owner edge sh -c 'cd /var/lib/registry/docker/registry/v2/repositories/hub && mkdir -p myusername &&
  cp -r library/busybox myusername/myapp && mv myusername/myapp/_manifests/tags/latest myusername/myapp/_manifests/tags/v1.0.0'
