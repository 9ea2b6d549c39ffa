import { Readable, Writable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from '../../../cli/main.ts';
import { HOME, NAME, SmallAws } from './support/small-aws.ts';

let aws: SmallAws;
beforeEach(async () => {
  aws = await SmallAws.start();
});
afterEach(() => aws[Symbol.asyncDispose]());

/** Runs the command line with streams whose writes fail, as those to a pipe that nobody reads. */
async function runWith(code: string, argv: readonly string[]) {
  const failures: Promise<unknown>[] = [];
  const broken = (): Writable => {
    const stream = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error(`write ${code}`), { code })),
    });
    failures.push(new Promise((resolve) => stream.once('close', () => resolve(stream.errored))));
    return stream;
  };
  const exitCode = await run(argv, {
    stdout: broken(),
    stderr: broken(),
    stdin: Readable.from([]),
    environment: {},
    clientOptions: {
      endpoint: aws.endpoint,
      region: HOME,
      credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'test' },
    },
  });
  return { exitCode, failures };
}

test.each<[string, string[], number]>([
  ['help', ['--help'], 0],
  ['a result', ['status', '--json'], 0],
  ['a usage error', ['status', '--no-such-option'], 2],
])('a reader that closed its pipe does not end the command: %s', async (_, argv, expected) => {
  const { exitCode, failures } = await runWith('EPIPE', argv);

  expect(exitCode).toBe(expected);
  // The stream has reported its error, which would end the process if nothing handled it.
  await expect(Promise.race(failures)).resolves.toMatchObject({ code: 'EPIPE' });
});

test('the work is done even if its progress cannot be written', async () => {
  const { exitCode } = await runWith('EPIPE', [
    'hold',
    '--account',
    '222222222222',
    '--reason',
    'x',
    '--yes',
  ]);

  expect(exitCode).toBe(0);
  expect(aws.item('hold#222222222222#*#*', '*')).toBeDefined();
  expect(aws.parameters.get(`${HOME} /${NAME}/pause`)).toBe('none');
});
