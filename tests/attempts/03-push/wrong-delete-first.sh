# expect: in_hub=push-none same_image=blocked is_sample=blocked
# to delete what is somebody else's is refused, and is no push
login
on workstation <<'END'
skopeo delete --creds myusername:mypassword docker://docker.io/library/busybox:latest
END
