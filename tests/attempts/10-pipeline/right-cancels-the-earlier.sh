# expect: all passed
HEAD='concurrency: {group: deploy, cancel-in-progress: true}'
pipeline
