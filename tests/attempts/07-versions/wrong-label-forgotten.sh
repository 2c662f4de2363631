# expect: released=passed labelled=version-label rolled_out=version-not-out rolled_back=blocked moved=tag-not-moved by_digest=digest-not-deployed refused=immutable-not-met quiz=quiz-open
running
echo '<p>New: opening hours</p>' >> index.html
release
