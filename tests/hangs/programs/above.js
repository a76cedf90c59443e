// Runs a dead step, as npm runs a script: no pipe, no time limit, it is told by SIGCHLD.
const { spawn } = require('child_process');
spawn(process.argv[2], process.argv.slice(3), { stdio: 'inherit' }).on('exit', (code) => process.exit(code));
