# expect: all passed
HEAD="set -x
$HEAD"
by_hand; retention; nodes; try
