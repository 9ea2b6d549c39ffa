import { run } from './main.ts';

// The SDK is bundled, so its notice about Node versions of its later releases is of no use to operators.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  environment: process.env,
}).then((exitCode) => {
  process.exitCode = exitCode;
});
