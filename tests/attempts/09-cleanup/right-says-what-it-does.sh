# expect: all passed
# it prints what it keeps and what it deletes, and then does so
DELETE="echo keeps; cat keep; echo deletes; cat rest
$DELETE"
by_hand; retention; nodes; try
