// A microtask that adds the next one: nothing else ever runs.
require('fs').writeFileSync(process.env.STUCK, '');
function again() { Promise.resolve().then(again); }
again();
