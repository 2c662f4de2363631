# expect: all passed
# the refusals came after the pushes
at hub private harbor nexus ecr acr artifact
on workstation <<END
for name in harbor.lab/nosuch/myapp $ecr/nosuch $google/my-project/nosuch/myapp; do
  docker tag myapp \$name:v1
  docker push \$name:v1
done
END
expired
at fixed moved
table reflection="$why"
