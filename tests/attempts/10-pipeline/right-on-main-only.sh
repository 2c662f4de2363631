# expect: all passed
# deploys from main only, and may be started by hand
HEAD='concurrency: deploy-${{ github.ref_name }}'
DEPLOY="[ \"\$GITHUB_REF_NAME\" = main ] || exit 0
$DEPLOY"
workflow | sed 's/^on: push/on: {push: {branches: [main]}, workflow_dispatch: {}}/' > .github/workflows/pipeline.yml
commit
labkit check 10-pipeline
