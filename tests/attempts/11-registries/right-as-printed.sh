# expect: all passed
registries
