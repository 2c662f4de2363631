# expect: all passed
ready
create --name myapp --replicas 3 --env A=b --label team=one --limit-memory 64M --replicas-max-per-node 1 --publish mode=host,target=8080,published=8088 myusername/myapp:v1.0.0
