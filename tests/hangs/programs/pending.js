// Waits for a promise that nobody keeps; a timer ticks on.
const fs = require('fs');
setInterval(() => {}, 100);
fs.writeFileSync(process.env.STUCK, '');
(async () => { await new Promise(() => {}); })();
