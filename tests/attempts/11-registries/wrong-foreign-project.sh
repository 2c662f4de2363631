# expect: in_hub=passed in_private=registries-unused in_harbor=registries-refused in_nexus=registries-unused in_ecr=registries-unused in_acr=registries-unused in_artifact=registries-unused same_digest=blocked no_place=registries-not-refused expired=registries-not-expired immutable=registries-not-immutable runs=quiz-open signs_in=quiz-open exists=quiz-open tags=quiz-open cleaned=quiz-open limits=quiz-open teams=quiz-open reasons=reflection-short
# the project is a colleague's
at hub
typed_signed harbor.lab | on workstation
on workstation <<'END'
curl -sS -u colleague:theirpassword -H 'Content-Type: application/json' -d '{"project_name": "myproject"}' https://harbor.lab/api/v2.0/projects
docker tag myapp harbor.lab/myproject/myapp:v1.0.0
docker push harbor.lab/myproject/myapp:v1.0.0
END
