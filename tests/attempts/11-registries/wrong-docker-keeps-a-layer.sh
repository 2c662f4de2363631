# expect: in_hub=passed in_private=passed in_harbor=passed in_nexus=passed in_ecr=passed in_acr=passed in_artifact=passed same_digest=registries-repacked no_place=registries-not-refused expired=registries-not-expired immutable=registries-not-immutable runs=quiz-open signs_in=quiz-open exists=quiz-open tags=quiz-open cleaned=quiz-open limits=quiz-open teams=quiz-open reasons=reflection-short
# busybox was pulled first, so docker gives the Hub a layer as it got it: another digest there
on workstation <<'END'
docker pull -q busybox
END
at hub private harbor nexus ecr acr artifact
