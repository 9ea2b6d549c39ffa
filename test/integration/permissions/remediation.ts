import { applyChange, inverseOf } from '../../../lambdas/changes/index.ts';
import { type Job, type Poll, pollId } from '../../../lambdas/model/job.ts';
import type { JournalRecord } from '../../../lambdas/model/journal.ts';
import type { Outcome } from '../../../lambdas/model/outcome.ts';
import { parseAccountSettings, parseRuleSettings, type Settings } from '../../../lambdas/model/settings.ts';
import type { JobResult } from '../../../lambdas/remediator/job-result.ts';
import type { EvidenceStore, JournalVersion } from '../../../lambdas/remediator/record/evidence-store.ts';
import { remediate } from '../../../lambdas/remediator/remediate.ts';
import type { Sessions } from '../../../lambdas/remediator/session.ts';
import { loadRule } from '../../../lambdas/rules/index.ts';
import type { AutomationSimulation } from '../../lab/automation/index.ts';
import { type LabRuleId, labRules, type Scenario } from '../../lab/rules/index.ts';
import { MemoryCounts } from '../../unit/remediator/support/memory-counts.ts';
import { MemoryTable } from '../../unit/remediator/support/memory-table.ts';
import { accountsJson, settingsJson } from '../harness/product.ts';

export const REGION = 'eu-central-1';

export interface RemediationOptions {
  readonly sessions: Sessions;
  readonly account: string;
  readonly rule: LabRuleId;
  readonly resource: string;
  readonly scenario: Scenario;
}

let polls = 0;

/** A rule's work on one resource, without queue, bucket and bus: what is theirs needs no permission of a target role. */
export class Remediation {
  readonly #options: RemediationOptions;

  constructor(options: RemediationOptions) {
    this.#options = options;
  }

  dryRun(): Promise<Outcome> {
    return this.#remediate({ mode: 'dry_run' });
  }

  enforce(): Promise<Outcome> {
    return this.#remediate({ mode: 'enforce' });
  }

  /**
   * Remediates it by AWS's runbook, and follows that to its end. What it leaves open is reported as failed.
   * @param attempts at a job, before it is given up
   */
  enforceByRunbook(automation: AutomationSimulation, attempts = 1): Promise<Outcome> {
    const settings = { mode: 'enforce', method: 'runbook', runbook_then: 'report' } as const;
    const finish = async (): Promise<void> => {
      const { id } = automation.executions.at(-1) ?? {};
      if (id !== undefined) await automation.finish(id);
    };
    return this.#remediate(settings, finish, attempts);
  }

  /**
   * Undoes what was applied: the inverses, the last one first.
   * @throws AWS's own error
   */
  async undo({ applied }: Outcome): Promise<void> {
    const { sessions, account, rule } = this.#options;
    const { permissions } = await loadRule(rule);
    const session = await sessions.open({
      account,
      region: REGION,
      name: `undo-${pollId(nextPoll(rule))}`,
      permissions: [...permissions.read, ...permissions.undo],
    });
    for (const { change } of [...applied].reverse()) {
      const inverse = await inverseOf(change);
      if (inverse !== undefined) await applyChange(session, inverse);
    }
  }

  /** @param meanwhile what happens before a job looks again at what AWS works on */
  async #remediate(
    settings: Partial<Settings>,
    meanwhile: () => Promise<void> = () => Promise.reject(new Error('nothing here takes long')),
    attempts = 1,
  ): Promise<Outcome> {
    const { sessions, account, rule, resource, scenario } = this.#options;
    const { scope } = await loadRule(rule);
    const evidence = new MemoryEvidence();
    const table = new MemoryTable();
    let job: Job | undefined = {
      version: 1,
      poll: nextPoll(rule),
      account,
      region: REGION,
      chunk: 0,
      findings: [{ rule, account, region: scope === 'global' ? 'global' : REGION, resource }],
    };
    const errors: unknown[] = [];
    for (let number = 1; job !== undefined; ) {
      let next: Job | undefined;
      const result: JobResult = await remediate(
        job,
        { number, last: false, remainingMilliseconds: () => 300_000 },
        {
          clock: { now: Date.now, sleep: async () => {} },
          settings: {
            read: async () => ({
              ...parseRuleSettings(rule, settingsJson(rule, {})),
              allRules: parseAccountSettings(accountsJson({})),
              versions: { rule: '1', accounts: '1' },
              options: { ...(scenario.options ?? labRules[rule].options) },
              ...settings,
            }),
            pause: async () => 'none',
          },
          evidence,
          table,
          counts: new MemoryCounts(Date.now),
          openSession: (request) => sessions.open(request),
          automationRoleArn: (target) => `arn:aws:iam::${target}:role/cspm-automation`,
          lookAgain: async (later) => {
            next = later;
          },
          actOnPending: async () => false,
          roles: { report: async () => {}, claimProbe: async () => true, isBack: async () => {} },
          publishNotice: async () => {},
          publish: async () => {},
        },
      );
      const [outcome] = result.outcomes;
      if (outcome !== undefined) return outcome;
      errors.push(...result.unfinished.map(({ error }) => error), ...result.failures);
      if (next !== undefined) await meanwhile();
      number = next === undefined ? number + 1 : 1;
      job = next ?? (number <= attempts ? job : undefined);
    }
    throw new Error(`${rule} left ${resource} unfinished`, { cause: errors[0] });
  }
}

/** Each poll is one of its own. */
function nextPoll(rule: string): Poll {
  polls += 1;
  return { source: 'netskope', rule, asOf: new Date(Date.UTC(2026, 0, 1, 0, 0, polls)).toISOString() };
}

/** Evidence of one job. */
class MemoryEvidence implements EvidenceStore {
  readonly #outcomes = new Map<string, Outcome[]>();
  #journal: JournalRecord | undefined;

  async readOutcomes(key: string): Promise<Outcome[] | undefined> {
    return this.#outcomes.get(key);
  }
  async writeOutcomes(key: string, outcomes: readonly Outcome[]): Promise<boolean> {
    if (this.#outcomes.has(key)) return false;
    this.#outcomes.set(key, [...outcomes]);
    return true;
  }
  async readJournal(): Promise<JournalVersion | undefined> {
    return this.#journal === undefined ? undefined : { journal: this.#journal, version: 'only' };
  }
  async writeJournal(_id: string, journal: JournalRecord): Promise<string> {
    this.#journal = journal;
    return 'only';
  }
  async readInProgress(): Promise<undefined> {
    return undefined;
  }
  async writeInProgress(): Promise<boolean> {
    return true;
  }
  async endInProgress(): Promise<void> {}
}
