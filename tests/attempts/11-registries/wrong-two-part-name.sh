# expect: in_hub=passed in_private=registries-unused in_harbor=registries-unused in_nexus=registries-unused in_ecr=registries-unused in_acr=registries-unused in_artifact=registries-short-name same_digest=blocked no_place=registries-not-refused expired=registries-not-expired immutable=registries-not-immutable runs=quiz-open signs_in=quiz-open exists=quiz-open tags=quiz-open cleaned=quiz-open limits=quiz-open teams=quiz-open reasons=reflection-short
# without the repository; docker would try five times
at hub
at place google
on workstation <<END
skopeo copy --authfile ~/.docker/config.json docker://docker.io/myusername/myapp:v1.0.0 docker://$google/my-project/myapp:v1.0.0
END
