# A dead test below a shell, which needs it or does not: needed.sh NAME
dead() { python3 "$(dirname "$0")/dead.py" mutual_join; }
server() { exec python3 -c 'import socket; socket.create_server(("127.0.0.1", 0)).accept()'; }

case $1 in
  timeout) timeout "$WAIT" python3 "$(dirname "$0")/dead.py" mutual_join ;;
  watchdog)
    dead & test=$!
    (sleep "$WAIT"; pkill -P "$test"; kill "$test") &
    wait "$test"
    ;;
  background)
    dead &
    python3 -c 'import os, select; r, w = os.pipe(); select.select([r], [], [], float(os.environ["WAIT"]))'
    kill $(pgrep -f "dead.py mutual_join")
    ;;
  server)
    server &
    dead
    ;;
  trap)
    trap 'echo bye' EXIT
    dead
    ;;
  *) exit 2 ;;
esac
echo "the shell goes on"
