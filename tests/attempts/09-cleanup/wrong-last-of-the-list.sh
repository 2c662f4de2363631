# expect: retention-version
# Takes the order of the list for that of the versions.
VERSIONS='grep -E "^v[0-9]+\\.[0-9]+\\.[0-9]+ " tags | tail -n 3 | cut -d" " -f2 > keep'
by_hand; retention; try
