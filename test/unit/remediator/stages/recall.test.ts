import { describe, expect, test } from 'vitest';
import { awsError, jobOf, RemediatorInMemory } from '../support/remediator-in-memory.ts';

describe('the journal', () => {
  test('of a job without an earlier attempt is not read', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    const asked: string[] = [];
    remediator.fault = (port) => {
      asked.push(port);
      return undefined;
    };

    await remediator.attempt({ ...jobOf('deploy'), run: 'run' });

    expect(remediator.names).toEqual({ deploy: 'remediated' });
    expect(asked).not.toContain('readJournal');
  });

  test.each([
    { what: 'a job', job: { ...jobOf('deploy'), run: 'run' }, had: 'a lease' },
    { what: 'a job of version 0.1.0', job: jobOf('deploy'), had: 'no lease' },
  ])(
    'of $what that returns from the dead-letter queue, with attempts counted from 1 again, is read',
    async ({ job, had }) => {
      const remediator = new RemediatorInMemory({ deploy: ['old'] });
      remediator.fault = (port) => (port === 'writeOutcomes' ? awsError('SlowDown', 503) : undefined);
      await remediator.attempt(job);
      remediator.fault = () => undefined;
      if (had === 'no lease') remediator.table.leases.clear();

      await remediator.attempt(job, { number: 1 });

      expect(remediator.outcome('deploy')).toMatchObject({
        outcome: 'remediated',
        applied: [{ change: { kind: 'iam-access-key-status-set' } }],
      });
    },
  );
});
