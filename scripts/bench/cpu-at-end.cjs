// Writes the CPU time of the process, in milliseconds, as the last line of stderr. Loaded with `--require`, because with
// `--import`, Node would also parse the program as a module.
const { writeSync } = require('node:fs');

process.on('exit', () => {
  const { user, system } = process.cpuUsage();
  writeSync(2, `\n${(user + system) / 1000}`);
});
