# expect: pushed=passed tested=pipeline-untried released=passed deployed=passed repeatable=pipeline-untried rolled_back=pipeline-untried secret=pipeline-secret-in-image later_wins=pipeline-untried
printf 'ARG TOKEN\nENV TOKEN=$TOKEN\n' >> Dockerfile
BUILD='docker build --build-arg TOKEN="$PASSWORD" -t $IMAGE:$GITHUB_SHA .'
pipeline good
