# Waits for a coprocess that reads until the shell closes its pipe.
coproc cat
: >"$STUCK"
wait
