# expect: all passed
# no sort -V: each part of a version is compared as a number
VERSIONS='sed -nE "s/^v([0-9]+)\.([0-9]+)\.([0-9]+) (.*)/\1 \2 \3 \4/p" tags | sort -k1,1n -k2,2n -k3,3n | tail -n 3 | cut -d" " -f4 > keep'
by_hand; retention; nodes; try
