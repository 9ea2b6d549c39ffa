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
  ['a terminal has its own', { isTTY: true, columns: 132 }, { COLUMNS: '80' }, 132],
  ['a pipe has those that COLUMNS names', {}, { COLUMNS: '80' }, 80],
  ['a pipe has none otherwise', {}, {}, undefined],
  ['what nobody could read is not taken', {}, { COLUMNS: '3' }, undefined],
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
