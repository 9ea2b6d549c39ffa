import { expect, test } from 'vitest';
import { Journal } from '../../../../lambdas/remediator/record/journal.ts';
import { RemediatorInMemory } from '../support/remediator-in-memory.ts';

const VPC = 'vpc-00000001';
const AT = '2026-06-30T12:00:00.000Z';

const changeOf = (line: string) => ({ change: { kind: 'flow-log-create', resource: VPC, line }, line });

function apply(journal: Journal, line: string): void {
  journal.apply(VPC, [{ ...changeOf(line), appliedAt: AT, requestIds: [] }]);
}

/** A journal of changes, by their lines, as the next attempt reads it. */
async function journalOf(lines: readonly string[], act: (journal: Journal) => void): Promise<Journal> {
  const { evidence } = new RemediatorInMemory().ports();
  const journal = new Journal('job', evidence);
  journal.plan(VPC, lines.map(changeOf));
  act(journal);
  await journal.write();
  const next = new Journal('job', evidence);
  await next.read();
  return next;
}

const linesOf = (journal: Journal): string[] => journal.unresolved(VPC).map(({ line }) => line);

test('a change that was applied and begun again is not known to be applied', async () => {
  const journal = await journalOf(['a'], (of) => {
    of.begin(VPC, 'a', new Date(AT));
    apply(of, 'a');
    of.begin(VPC, 'a', new Date(AT));
  });

  expect(linesOf(journal)).toEqual(['a']);
});

test('a change that one attempt began, and the next one began again and applied, is known to be applied', async () => {
  const journal = await journalOf(['a'], (of) => {
    of.begin(VPC, 'a', new Date(AT));
    of.begin(VPC, 'a', new Date(AT));
    apply(of, 'a');
  });

  expect(linesOf(journal)).toEqual([]);
});

test('a change that was begun again but not made is as before', async () => {
  const journal = await journalOf(['a'], (of) => {
    of.begin(VPC, 'a', new Date(AT));
    apply(of, 'a');
    of.begin(VPC, 'a', new Date(AT));
    of.cancel(VPC, 'a');
  });

  expect(linesOf(journal)).toEqual([]);
});

test('unresolved changes are listed in the order in which they were begun, regardless of the plan’s order', async () => {
  const journal = await journalOf(['a', 'b'], (of) => {
    of.begin(VPC, 'b', new Date(AT));
    of.begin(VPC, 'a', new Date(AT));
  });

  expect(linesOf(journal)).toEqual(['b', 'a']);
  expect(journal.isBegunAfter(VPC, 'a', 'b')).toBe(true);
  expect(journal.isBegunAfter(VPC, 'b', 'a')).toBe(false);
});

test('in a journal of an older version, applied changes are applied, and the order is unknown', async () => {
  const remediator = new RemediatorInMemory();
  const { evidence } = remediator.ports();
  const applied = [{ ...changeOf('a'), appliedAt: AT, requestIds: [] }];
  const plan = [changeOf('a'), changeOf('b')];
  const resource = { resource: VPC, plan, applied, begun: ['a', 'b', 'a'] };
  await evidence.writeJournal('job', { version: 1, resources: [resource], published: [] }, undefined);
  const journal = new Journal('job', evidence);

  await journal.read();

  expect(linesOf(journal)).toEqual(['b']);
  expect(journal.isBegunAfter(VPC, 'a', 'b')).toBe(true);
  const byOther = { ...changeOf('c'), appliedAt: AT, requestIds: [] };
  expect(journal.isByOtherSince(VPC, 'b', byOther)).toBeUndefined();
});

test('what was applied since a change was begun is determined by its time, completely or in part, without that change itself', async () => {
  const at = (second: number) => `2026-06-30T12:00:0${second}.000Z`;
  const journal = await journalOf(['a', 'b', 'c'], (of) => {
    const made = (line: string, second: number) =>
      of.apply(VPC, [{ ...changeOf(line), appliedAt: at(second), requestIds: [] }]);
    made('before', 0);
    of.begin(VPC, 'a', new Date(at(1)));
    made('b (in part)', 2);
    made('a (in part)', 3);
    made('c', 4);
  });

  const since = journal.appliedSince(VPC, 'a').map(({ line }) => line);

  expect(since).toEqual(['b (in part)', 'c']);
  expect(journal.beginOf(VPC, 'a')).toEqual(new Date(at(1)));
  expect(journal.appliedSince(VPC, 'never begun')).toEqual([]);
});

test('calls at the same moment share a write, which contains the notes of all of them', async () => {
  const remediator = new RemediatorInMemory();
  const { evidence } = remediator.ports();
  const journal = new Journal('job', evidence);
  journal.plan(VPC, ['a', 'b'].map(changeOf));
  let writes = 0;
  remediator.fault = (port) => {
    if (port === 'writeJournal') writes += 1;
    return undefined;
  };

  await Promise.all(
    ['a', 'b'].map((line) => {
      journal.begin(VPC, line, new Date(AT));
      return journal.write();
    }),
  );

  const next = new Journal('job', evidence);
  await next.read();
  expect(writes).toBe(1);
  expect(linesOf(next)).toEqual(['a', 'b']);
});
