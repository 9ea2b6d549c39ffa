import { PassThrough, Readable, Writable } from 'node:stream';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Screen } from '../../../cli/screen.ts';

const screenFor = (terminal: object, environment: Record<string, string>) => {
  const sink = (): Writable => new Writable();
  return new Screen({
    stdout: Object.assign(sink(), terminal),
    stderr: sink(),
    stdin: Readable.from([]),
    environment,
  });
};

test.each<[string, object, Record<string, string>, number | undefined]>([
  ['the width of the terminal', { isTTY: true, columns: 132 }, { COLUMNS: '80' }, 132],
  ['COLUMNS, for a pipe', {}, { COLUMNS: '80' }, 80],
  ['a pipe has none otherwise', {}, {}, undefined],
  ['not COLUMNS, if it is too narrow to read', {}, { COLUMNS: '3' }, undefined],
  ['nor what is no number', {}, { COLUMNS: 'wide' }, undefined],
])('columns: %s', (_, terminal, environment, expected) => {
  expect(screenFor(terminal, environment).width).toBe(expected);
});

test.each<[object, Record<string, string>, boolean]>([
  [{ isTTY: true }, {}, true],
  [{ isTTY: true }, { NO_COLOR: '1' }, false],
  [{ isTTY: true }, { TERM: 'dumb' }, false],
  [{}, {}, false],
  [{}, { FORCE_COLOR: '1' }, true],
])('colours: %j %j: %s', (terminal, environment, expected) => {
  expect(screenFor(terminal, environment).colors.isColorSupported).toBe(expected);
});

describe('progress on a terminal', () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  });

  test('shows the cursor again if Ctrl-C ends the program', async () => {
    vi.stubEnv('CI', undefined);
    vi.stubEnv('TERM', 'xterm');
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval'] });
    let written = '';
    const stderr = new Writable({
      write: (chunk, _encoding, done) => {
        written += String(chunk);
        done();
      },
    });
    const screen = new Screen({
      stdout: new Writable(),
      stderr: Object.assign(stderr, {
        isTTY: true,
        cursorTo: () => true,
        moveCursor: () => true,
        clearLine: () => true,
      }),
      stdin: Readable.from([]),
      environment: {},
    });
    const exited = new Promise<unknown>((resolve) => {
      vi.spyOn(process, 'exit').mockImplementation((code) => {
        resolve(code);
        throw new Error('exited');
      });
    });
    let isDone: (value?: unknown) => void = () => undefined;
    const progress = screen.progress('waiting', () => new Promise((resolve) => (isDone = resolve)));
    await vi.waitFor(() => expect(vi.getTimerCount()).toBeGreaterThan(0));
    await vi.advanceTimersByTimeAsync(2_000);

    expect(() => process.emit('SIGINT', 'SIGINT')).toThrow('exited');

    await expect(exited).resolves.toBe(130);
    expect(written.lastIndexOf('\u001B[?25h')).toBeGreaterThan(written.lastIndexOf('\u001B[?25l'));
    isDone();
    await progress;
  });
});

test.each<[string, (stdin: PassThrough) => void]>([
  ['Ctrl-C', (stdin) => stdin.write('\u0003')],
  ['Ctrl-D', (stdin) => stdin.write('\u0004')],
  ['the end of the input', (stdin) => stdin.end()],
])('%s at a question is the answer no', async (_, press) => {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined });
  let isAsked: (value?: unknown) => void = () => undefined;
  const asked = new Promise((resolve) => (isAsked = resolve));
  const stderr = new Writable({
    write: (chunk, _encoding, done) => {
      if (String(chunk).includes('Type "yes"')) isAsked();
      done();
    },
  });
  const screen = new Screen({
    stdout: new Writable(),
    stderr: Object.assign(stderr, { isTTY: true, columns: 80 }),
    stdin,
    environment: {},
  });

  const answer = screen.confirm('Do you want to undo this?', false);
  await asked;
  press(stdin);

  await expect(answer).rejects.toMatchObject({ reason: 'declined', message: 'nothing was done' });
});
