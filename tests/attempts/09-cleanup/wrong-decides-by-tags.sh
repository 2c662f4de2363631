# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=retention-shared deletes=retention-left repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
# each tag by itself: nightly goes, and with it the version that is the same image
REST='grep -vE "^(v[0-9]|sha256-)" tags | cut -d" " -f2 | sort -u | grep -vFxf "$deployed" > rest'
by_hand; retention; try shared
