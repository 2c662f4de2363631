# expect: all passed
# two jobs test the same image, and both must be satisfied
cat > .github/workflows/pipeline.yml <<'END'
on: push
concurrency: deploy
env: {IMAGE: myusername/shop}
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: docker build -t $IMAGE:$GITHUB_SHA .
  page:
    needs: build
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: sh test.sh $IMAGE:$GITHUB_SHA
  size:
    needs: build
    runs-on: ubuntu-latest
    steps:
      - run: test $(docker image inspect --format '{{.Size}}' $IMAGE:$GITHUB_SHA) -lt 50000000
  release:
    needs: [page, size]
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: docker/login-action@v3
        with: {username: "${{ vars.REGISTRY_USER }}", password: "${{ secrets.REGISTRY_PASSWORD }}"}
      - run: |
          docker tag $IMAGE:$GITHUB_SHA $IMAGE:$(cat VERSION)
          docker push -q $IMAGE:$GITHUB_SHA && docker push -q $IMAGE:$(cat VERSION)
          digest=$(docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' $IMAGE:$GITHUB_SHA | grep "^$IMAGE@")
          docker service update --detach --update-parallelism 0 --image $digest shop || docker service create --detach --name shop --replicas 3 $digest
          sh smoke.sh shop $(cat VERSION) || { docker service rollback --detach shop; exit 1; }
END
commit
labkit check 10-pipeline
