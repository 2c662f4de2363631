# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=passed deletes=retention-orphan repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
SIGNATURES='sed -nE "s/^sha256-[0-9a-f]{64}\.sig (.*)/\1/p" tags >> keep'; by_hand; retention; try
