# expect: all passed
pipeline
