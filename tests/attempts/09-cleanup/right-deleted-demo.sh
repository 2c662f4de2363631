# expect: all passed
# demo and v1.0.0 are one image, whichever of them is named
uncached; delete demo; collect; back
retention; nodes; try
