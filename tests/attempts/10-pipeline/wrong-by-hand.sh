# expect: pushed=passed tested=pipeline-never-tested released=pipeline-pushes-nothing deployed=blocked repeatable=blocked rolled_back=blocked secret=blocked later_wins=blocked
# the workflow only builds; somebody pushes and deploys by hand
sh connect.sh github
commit
login
docker build -t myusername/shop:v1.0.0 .
docker push myusername/shop:v1.0.0
create --name shop --replicas 3 myusername/shop:v1.0.0
labkit check 10-pipeline
