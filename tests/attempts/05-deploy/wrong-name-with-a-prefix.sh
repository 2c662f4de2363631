# expect: service=service-other-name image=blocked replicas=blocked running=blocked
# looks like a stack's service, and is none
ready
create --name course_myapp --replicas 3 myusername/myapp:v1.0.0
