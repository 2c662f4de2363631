# expect: all passed
# the rollback is a job of its own, which asks how the deployment ended
cat > .github/workflows/pipeline.yml <<'END'
on: push
concurrency: {group: shop, cancel-in-progress: false}
env: {IMAGE: myusername/shop}
jobs:
  image:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: docker build -t $IMAGE:$GITHUB_SHA -t $IMAGE:$(cat VERSION) .
      - run: sh test.sh $IMAGE:$GITHUB_SHA
      - run: echo "$PASSWORD" | docker login -u ${{ vars.REGISTRY_USER }} --password-stdin
        env: {PASSWORD: "${{ secrets.REGISTRY_PASSWORD }}"}
      - run: docker push -q $IMAGE:$GITHUB_SHA && docker push -q $IMAGE:$(cat VERSION)
  deploy:
    needs: image
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: |
          digest=$(docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' $IMAGE:$GITHUB_SHA | grep "^$IMAGE@")
          docker service update --detach --update-parallelism 0 --image $digest shop || docker service create --detach --name shop --replicas 3 $digest
      - run: sh smoke.sh shop $(cat VERSION)
  back:
    needs: deploy
    if: always() && needs.deploy.result == 'failure'
    runs-on: ubuntu-latest
    steps:
      - run: docker service rollback --detach shop
END
commit
labkit check 10-pipeline
