# expect: pushed=pipeline-two-forms tested=blocked released=blocked deployed=blocked repeatable=blocked rolled_back=blocked secret=blocked later_wins=blocked
sh connect.sh github
cp -r .github kept
gitlab good
mv kept .github
commit both
