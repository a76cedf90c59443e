# A poll whose program is small.
turn=0
until grep -q ready /nowhere 2>/dev/null; do
  turn=$((turn + 1))
  [ "$turn" -ne 3 ] || : >"$STUCK"
  sleep 1
done
