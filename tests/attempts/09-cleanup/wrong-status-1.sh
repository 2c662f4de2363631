# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=passed deletes=passed repeatable=retention-failed beside_push=passed pruned=nodes-nothing-pulled
END='grep -q nothing names'; by_hand; retention; try
