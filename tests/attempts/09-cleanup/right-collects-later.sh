# expect: all passed
# meets the broken push first, then mends it
delete v1.0.0; collect; back; uncached; back
retention; nodes; try
