import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const program = path.resolve(import.meta.dirname, '../../../cli/index.ts');
const older = 'data:text/javascript,Object.defineProperty(process,"version",{value:"v20.20.2"})';

test('prints no warning of the SDK on an older supported Node', async () => {
  const words = ['--import', older, program, 'status', '--region', 'eu-central-1'];
  const env = { PATH: process.env['PATH'] ?? '', AWS_EC2_METADATA_DISABLED: 'true', HOME: '/nowhere' };

  const { stderr } = await promisify(execFile)(process.execPath, words, { env }).catch((error) => error);

  expect(stderr).toMatch(/credentials/i);
  expect(stderr).not.toContain('Warning');
});
