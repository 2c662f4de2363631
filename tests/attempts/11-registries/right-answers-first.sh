# expect: all passed
# the table was filled in before anything was pushed, one column wrong, and mended in the end
table cleaned=aaaaaaa reflection="$why"
seven
expired
at fixed moved
table
