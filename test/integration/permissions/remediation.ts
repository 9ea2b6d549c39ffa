import { applyChange, inverseOf } from '../../../lambdas/changes/index.ts';
import type { EvidenceStore, JournalRecord } from '../../../lambdas/remediator/evidence.ts';
import { remediate } from '../../../lambdas/remediator/remediate.ts';
import type { Sessions } from '../../../lambdas/remediator/session.ts';
import { loadRule } from '../../../lambdas/rules/index.ts';
import { type Job, type Poll, pollId } from '../../../lambdas/shared/job.ts';
import type { Outcome } from '../../../lambdas/shared/outcome.ts';
import { REGION, type Scenario } from './scenarios.ts';

export interface RemediationOptions {
  readonly sessions: Sessions;
  readonly account: string;
  readonly rule: string;
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
    return this.#remediate('dry_run');
  }

  enforce(): Promise<Outcome> {
    return this.#remediate('enforce');
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

  async #remediate(mode: 'dry_run' | 'enforce'): Promise<Outcome> {
    const { sessions, account, rule, resource, scenario } = this.#options;
    const { scope } = await loadRule(rule);
    const job: Job = {
      version: 1,
      poll: nextPoll(rule),
      account,
      region: REGION,
      chunk: 0,
      findings: [{ rule, account, region: scope === 'global' ? 'global' : REGION, resource }],
    };
    const { outcomes, unfinished, failures } = await remediate(
      job,
      { number: 1, last: false, remainingMilliseconds: () => 300_000 },
      {
        clock: { now: Date.now, sleep: async () => {} },
        settings: {
          read: async () => ({
            version: 1,
            rule,
            mode,
            mode_by_account: {},
            method: 'api',
            runbook_then: 'api',
            exemptions: [],
            options: { ...scenario.options },
          }),
          pause: async () => 'none',
        },
        evidence: new MemoryEvidence(),
        openSession: (request) => sessions.open(request),
        automationRoleArn: (target) => `arn:aws:iam::${target}:role/cspm-automation`,
        lookAgain: () => Promise.reject(new Error('nothing here takes long')),
        tell: async () => {},
      },
    );
    const [outcome] = outcomes;
    if (outcome !== undefined) return outcome;
    throw new Error(`${rule} left ${resource} unfinished`, { cause: unfinished[0]?.error ?? failures[0] });
  }
}

/** Each poll is one of its own. */
function nextPoll(rule: string): Poll {
  polls += 1;
  return { rule, asOf: new Date(Date.UTC(2026, 0, 1, 0, 0, polls)).toISOString() };
}

/** Evidence of one job. */
class MemoryEvidence implements EvidenceStore {
  readonly #outcomes: Outcome[] = [];
  #journal: JournalRecord | undefined;

  async readOutcome(_poll: Poll, finding: Outcome['finding']): Promise<Outcome | undefined> {
    return this.#outcomes.find((outcome) => outcome.finding === finding);
  }
  async writeOutcome(outcome: Outcome): Promise<boolean> {
    this.#outcomes.push(outcome);
    return true;
  }
  async readJournal(): Promise<JournalRecord | undefined> {
    return this.#journal;
  }
  async writeJournal(_id: string, journal: JournalRecord): Promise<void> {
    this.#journal = journal;
  }
  async readInProgress(): Promise<undefined> {
    return undefined;
  }
  async writeInProgress(): Promise<void> {}
  async endInProgress(): Promise<void> {}
}
