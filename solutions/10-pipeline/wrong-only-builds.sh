# expect: pushed=passed tested=pipeline-never-tested released=pipeline-pushes-nothing deployed=blocked repeatable=blocked rolled_back=blocked secret=blocked later_wins=blocked
# the workflow as it comes
sh connect.sh github
commit
labkit check 10-pipeline
