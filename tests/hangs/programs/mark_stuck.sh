# For a program that does not say itself when it is stuck: as soon as it starts.
: >"$STUCK"
exec "$@"
