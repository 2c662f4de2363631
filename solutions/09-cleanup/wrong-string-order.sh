# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=retention-letters deletes=retention-left repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
VERSIONS="${VERSIONS/sort -V/sort}"; by_hand; retention; try plain
