# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=retention-version deletes=retention-untried repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
VERSIONS="${VERSIONS/-n 3/-n 2}"; by_hand; retention; try plain
