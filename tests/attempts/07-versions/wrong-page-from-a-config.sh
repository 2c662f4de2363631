# expect: released=passed labelled=passed rolled_out=passed rolled_back=passed moved=tag-not-moved by_digest=page-not-in-image refused=immutable-not-met quiz=quiz-open
# the new page comes from a config, not from the image
out
back
echo '<h1>from a config</h1>' | docker config create page -
roll --image "$(digest v1.1.0)" --config-add source=page,target=/www/index.html
