import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { TELLING } from '../../../lambdas/collector/region-alarms.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

/** The names of the alarms in a file, without the prefix of the deployment. */
function alarmsIn(file: string): string[] {
  return [...read(file).matchAll(/"?([a-z-]+)"? =>? \{\n\s+description\s*=/g)].map(([, name = '']) => name);
}

/** The names of all alarms in the modules, without the prefix of the deployment. */
function alarmNames(): string[] {
  const named = ['modules/central/alarms.tf', 'modules/per-region/alarms.tf'].flatMap(alarmsIn);
  const byRule = [
    ...read('modules/central/alarms-by-rule.tf').matchAll(
      /alarm_name\s+= "\$\{var\.name\}-([a-z-]*[a-z])-\$\{each\.key\}"/g,
    ),
  ].map(([, name = '']) => `${name}-<rule>`);
  return [...named, ...byRule];
}

/** The sections of the alarms in the operations guide. */
function sections(): Map<string, string> {
  const [, alarms = ''] = /\n## Alarms\n([\s\S]*?)\n## /.exec(read('docs/operations.md')) ?? [];
  return new Map(
    alarms
      .split('\n### ')
      .slice(1)
      .map((section) => {
        const [title = '', ...text] = section.split('\n');
        return [title.replaceAll('`', ''), text.join('\n')];
      }),
  );
}

test('each alarm has a section in the operations guide, and each section an alarm', () => {
  const names = alarmNames();

  expect(names.length).toBeGreaterThan(20);
  expect([...sections().keys()].toSorted()).toEqual(names.toSorted());
});

test('each section says what the alarm means, and then the first command to run', () => {
  const incomplete = [...sections()].filter(([, text]) => !/^\n\S[\s\S]*?\n\n```sh\n\S/.test(text));

  expect(incomplete).toEqual([]);
});

test('the alarms whose state the collector reads are alarms of a region', () => {
  expect(TELLING.length).toBeGreaterThan(0);
  expect(alarmsIn('modules/per-region/alarms.tf')).toEqual(expect.arrayContaining([...TELLING]));
});

test('no other file creates alarms', () => {
  const files = globSync('modules/*/*.tf', { cwd: root });

  const made = files.flatMap((file) =>
    [...read(file).matchAll(/resource "aws_cloudwatch_(?:metric|composite)_alarm" "(\w+)"/g)].map(
      ([, name]) => `${file} ${name}`,
    ),
  );

  expect(made.toSorted()).toEqual([
    'modules/_alarms/main.tf this',
    'modules/_alarms/main.tf this',
    'modules/central/alarms-by-rule.tf items_unmatched',
  ]);
});

/** The alarms that something else reports, according to Terraform. */
function toldOtherwise(): string[] {
  const alarms = /"?([a-z-]+)"? =>? \{\n\s+description\s*=([\s\S]*?)\n\s*\}/g;
  return ['modules/central/alarms.tf', 'modules/per-region/alarms.tf'].flatMap((file) =>
    [...read(file).matchAll(alarms)].flatMap(([, name = '', block = '']) =>
      /told_by\s*= "(?:alarm|bus)"/.test(block) ? name : [],
    ),
  );
}

test('the guide says what reports the cause of each alarm without notifications', () => {
  const [, table = ''] = /\| alarm \| reported by \|\n([\s\S]*?)\n\n/.exec(read('docs/operations.md')) ?? [];

  const listed = table.split('\n').flatMap((row) => {
    const [, alarms = ''] = row.split('|');
    return [...alarms.matchAll(/`([a-z-]+)`/g)].map(([, name = '']) => name);
  });

  expect(listed.toSorted()).toEqual(toldOtherwise().toSorted());
});
