# expect: all passed
# the cache is there, but forgot everything when the registry was started again
delete v1.0.0; collect; restarted; back
retention; nodes; try
