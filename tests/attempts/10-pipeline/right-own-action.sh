# expect: all passed
# the deployment is an action of the repository's own
mkdir -p actions/deploy
cat > actions/deploy/action.yml <<'END'
name: deploy
inputs: {image: {required: true}, service: {default: shop}}
runs:
  using: composite
  steps:
    - shell: bash
      run: |
        docker service update --detach --update-parallelism 0 --image ${{ inputs.image }} ${{ inputs.service }} ||
          docker service create --detach --name ${{ inputs.service }} --replicas 3 ${{ inputs.image }}
        sh smoke.sh ${{ inputs.service }} $(cat VERSION) || { docker service rollback --detach ${{ inputs.service }}; exit 1; }
END
STEPS='BUILD TEST SIGN_IN PUSH'
workflow > .github/workflows/pipeline.yml
printf '      - uses: ./actions/deploy\n        with: {image: "${{ env.DIGEST }}"}\n' >> .github/workflows/pipeline.yml
commit
labkit check 10-pipeline
