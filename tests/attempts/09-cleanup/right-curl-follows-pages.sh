# expect: all passed
# curl alone, from page to page by the header Link
NAMES='next=/v2/$2/tags/list; : > names
while [ -n "$next" ]; do
  curl -s -D head "http://$1$next" | jq -r ".tags[]?" >> names
  next=$(tr -d "\r" < head | sed -nE "s,^[Ll]ink: *<(https?://[^/]*)?([^>]*)>.*,\2,p")
done'
by_hand; retention; nodes; try
