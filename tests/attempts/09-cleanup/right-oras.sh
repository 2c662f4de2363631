# expect: all passed
# oras knows the way too
NAMES='oras repo tags --plain-http "$1/$2" > names'
DIGESTS='for tag in $(cat names); do echo "$tag $(oras resolve --plain-http "$1/$2:$tag")"; done > tags
cut -d" " -f2 tags | sort -u > all'
DELETE='for digest in $(cat rest); do oras manifest delete --force --plain-http "$1/$2@$digest"; done'
by_hand; retention; nodes; try
