# Healthy work of small tools: working.sh NAME
end=$(($(date +%s) + ${WORK%.*}))
going() { [ "$(date +%s)" -lt "$end" ]; }

case $1 in
  children) while going; do /bin/true; /bin/true; /bin/true; done ;;
  disk) while going; do dd if=/dev/zero of=file bs=1M count=2 conv=fsync status=none; sleep 0.5; done ;;
  compress)
    cat /bin/* 2>/dev/null | head -c 5000000 >data
    while going; do xz --keep --force --stdout data | cat >data.xz; done
    ;;
  orphan) sleep 1000 & echo "the main process ends; its child keeps the output open" ;;
  *) exit 2 ;;
esac
