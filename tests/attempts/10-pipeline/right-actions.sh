# expect: all passed
# with the actions that people know
cat > .github/workflows/pipeline.yml <<'END'
on: push
concurrency: deploy
jobs:
  pipeline:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: docker/setup-buildx-action@v3
      - id: about
        run: echo version=$(cat VERSION) >> $GITHUB_OUTPUT
      - uses: docker/build-push-action@v6
        with: {load: true, tags: "shop:tested"}
      - run: sh test.sh shop:tested
      - uses: docker/login-action@v3
        with: {username: "${{ vars.REGISTRY_USER }}", password: "${{ secrets.REGISTRY_PASSWORD }}"}
      - id: push
        uses: docker/build-push-action@v6
        with:
          push: true
          tags: |
            myusername/shop:${{ steps.about.outputs.version }}
            myusername/shop:${{ github.sha }}
      - run: |
          image=myusername/shop@${{ steps.push.outputs.digest }}
          docker service update --detach --update-parallelism 0 --image $image shop || docker service create --detach --name shop --replicas 3 $image
      - run: sh smoke.sh shop ${{ steps.about.outputs.version }}
      - if: failure()
        run: docker service rollback --detach shop
END
commit
labkit check 10-pipeline
