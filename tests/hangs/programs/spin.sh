# Waits for a variable that nobody will set, without a process of its own.
: >"$STUCK"
while [ -z "$ready" ]; do :; done
