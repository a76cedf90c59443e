# Waits for a file that nobody will make.
: >"$STUCK"
while [ ! -e ready ]; do sleep 1; done
