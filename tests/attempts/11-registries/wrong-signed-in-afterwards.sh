# expect: in_hub=registries-unused in_private=push-before-sign-in in_harbor=registries-unused in_nexus=registries-unused in_ecr=registries-unused in_acr=registries-unused in_artifact=registries-unused same_digest=blocked no_place=registries-not-refused expired=registries-not-expired immutable=registries-not-immutable runs=quiz-open signs_in=quiz-open exists=quiz-open tags=quiz-open cleaned=quiz-open limits=quiz-open teams=quiz-open reasons=reflection-short
on workstation <<'END'
docker tag myapp registry.lab:5000/myusername/myapp:v1.0.0
docker push registry.lab:5000/myusername/myapp:v1.0.0
docker login -u myusername -p mypassword registry.lab:5000
END
