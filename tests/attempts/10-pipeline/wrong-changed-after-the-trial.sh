# expect: pushed=passed tested=pipeline-untried released=pipeline-untried deployed=blocked repeatable=blocked rolled_back=blocked secret=blocked later_wins=blocked
pipeline good
echo '<!-- new -->' >> index.html
commit later
