# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=retention-dates deletes=retention-left repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
VERSIONS='grep -E "^v[0-9]+\.[0-9]+\.[0-9]+ " tags | while read -r tag digest; do
  echo "$(skopeo inspect --tls-verify=false --format "{{.Created.Unix}}" "$image:$tag") $digest"
done | sort -n | tail -n 3 | cut -d" " -f2 > keep'
by_hand; retention; try plain
