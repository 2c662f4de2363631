# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=retention-ends-early deletes=retention-ends-early repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
# Python without a first line that says so: sh runs it.
by_hand
written <<< 'import json, sys
print(json.dumps({"registry": sys.argv[1]}))'
try plain
