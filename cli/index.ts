import { run } from './main.ts';

// The SDK is bundled, so its warning about the Node.js versions of later releases does not concern operators.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  environment: process.env,
}).then((exitCode) => {
  process.exitCode = exitCode;
});
