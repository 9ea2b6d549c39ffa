import { Readable, Writable } from 'node:stream';
import { expect, test } from 'vitest';
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
