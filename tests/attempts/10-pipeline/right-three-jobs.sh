# expect: all passed
# build and test, push, deploy: the digest goes from job to job
cat > .github/workflows/pipeline.yml <<'END'
on: push
concurrency: {group: "deploy-${{ github.ref }}"}
env: {IMAGE: myusername/shop}
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: docker build -t $IMAGE:$GITHUB_SHA . && sh test.sh $IMAGE:$GITHUB_SHA
  push:
    needs: test
    runs-on: ubuntu-latest
    outputs: {digest: "${{ steps.push.outputs.digest }}"}
    steps:
      - uses: actions/checkout@v4
      - run: docker login -u ${{ vars.REGISTRY_USER }} --password-stdin <<< "${{ secrets.REGISTRY_PASSWORD }}"
      - id: push
        run: |
          docker tag $IMAGE:$GITHUB_SHA $IMAGE:$(cat VERSION)
          docker push $IMAGE:$(cat VERSION)
          docker push $IMAGE:$GITHUB_SHA | tee said
          echo digest=$(grep -o 'sha256:[0-9a-f]*' said) >> $GITHUB_OUTPUT
  deploy:
    needs: push
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: |
          docker service update --detach --update-parallelism 0 --rollback-parallelism 0 --image $IMAGE@${{ needs.push.outputs.digest }} shop ||
            docker service create --detach --name shop --replicas 3 $IMAGE@${{ needs.push.outputs.digest }}
      - run: sh smoke.sh shop $(cat VERSION)
      - if: failure()
        run: docker service rollback --detach shop
END
commit
labkit check 10-pipeline
