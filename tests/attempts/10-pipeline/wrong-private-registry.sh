# expect: pushed=passed tested=passed released=pipeline-other-repository deployed=blocked repeatable=blocked rolled_back=blocked secret=blocked later_wins=blocked
SIGN_IN="$SIGN_IN registry.lab:5000"
STEPS='BUILD TEST SIGN_IN PUSH'
workflow | sed 's|IMAGE: myusername/shop|IMAGE: registry.lab:5000/myusername/shop|' > .github/workflows/pipeline.yml
commit
labkit check 10-pipeline
