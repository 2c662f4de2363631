# expect: all passed
# skopeo looks the digests up and deletes them
DIGESTS='for tag in $(cat names); do echo "$tag $(skopeo inspect --raw --tls-verify=false "$image:$tag" | sha256sum | sed "s/^/sha256:/; s/ .*//")"; done > tags
cut -d" " -f2 tags | sort -u > all'
DELETE='for digest in $(cat rest); do skopeo delete --tls-verify=false "$image@$digest"; done'
by_hand; retention; nodes; try
