import { run } from './main.ts';

run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  environment: process.env,
}).then((exitCode) => {
  process.exitCode = exitCode;
});
