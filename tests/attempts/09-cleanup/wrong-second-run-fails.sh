# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=passed deletes=passed repeatable=retention-again-failed beside_push=passed pruned=nodes-nothing-pulled
REST='grep -vFxf keep all > rest'; by_hand; retention; try
