import { randomUUID } from 'node:crypto';
import type { CustomRule } from '../../../lambdas/model/custom-rule.ts';
import type { Job, Poll } from '../../../lambdas/model/job.ts';
import type { JournalRecord } from '../../../lambdas/model/journal.ts';
import type { Outcome } from '../../../lambdas/model/outcome.ts';
import type { RequestItem, RequestResult } from '../../../lambdas/model/requests.ts';
import { parseAccountSettings, parseRuleSettings, type Settings } from '../../../lambdas/model/settings.ts';
import type { JobResult } from '../../../lambdas/remediator/job-result.ts';
import type { Ports } from '../../../lambdas/remediator/ports.ts';
import type { EvidenceStore, JournalVersion } from '../../../lambdas/remediator/record/evidence-store.ts';
import { remediate } from '../../../lambdas/remediator/remediate.ts';
import type { Sessions } from '../../../lambdas/remediator/session.ts';
import { actOnRequest } from '../../../lambdas/remediator/undo/act-on-request.ts';
import { loadRule } from '../../../lambdas/rules/index.ts';
import type { AutomationSimulation } from '../../lab/automation/index.ts';
import type { Scenario } from '../../lab/rules/index.ts';
import { MemoryCounts } from '../../unit/remediator/support/memory-counts.ts';
import { MemoryTable } from '../../unit/remediator/support/memory-table.ts';
import { accountsJson, settingsJson } from '../harness/product.ts';

export const REGION = 'eu-central-1';

export interface RemediationOptions {
  readonly sessions: Sessions;
  readonly account: string;
  readonly rule: string;
  readonly resource: string;
  readonly options?: Scenario['options'];
  /** The definition of a declared rule. */
  readonly definition?: CustomRule;
}

/** More checks than a job needs until AWS's reads must be up to date, but a limit for one that never ends. */
const MOST_LOOKS = 30;

let polls = 0;

/** A rule's work on one resource, without queue, bucket and bus, which need no permission of a target role. */
export class Remediation {
  readonly #options: RemediationOptions;
  /** Returns the value of the pause parameter. */
  pause: () => string = () => 'none';
  #evidence = new MemoryEvidence();
  #table = new MemoryTable();
  /** Total delay of follow-up jobs so far, in milliseconds. */
  #ahead = 0;

  constructor(options: RemediationOptions) {
    this.#options = options;
  }

  dryRun(method: Settings['method'] = 'api'): Promise<Outcome> {
    return this.#remediate({ mode: 'dry_run', method });
  }

  enforce(): Promise<Outcome> {
    return this.#remediate({ mode: 'enforce' });
  }

  /**
   * Remediates the resource by AWS's runbook, and follows the execution to its end. What it leaves open is a failure.
   * @param attempts number of attempts at a job
   */
  enforceByRunbook(automation: AutomationSimulation, attempts = 1): Promise<Outcome> {
    const settings = { mode: 'enforce', method: 'runbook', runbook_then: 'report' } as const;
    return this.#remediate(settings, () => finishLast(automation), attempts);
  }

  #now(): number {
    return Date.now() + this.#ahead;
  }

  /**
   * Undoes the last remediation, as an operator requests it.
   * @param automation runs a document to its end before the request is processed again
   */
  async undo(automation?: AutomationSimulation): Promise<Outcome> {
    const { sessions, account, rule, resource } = this.#options;
    const fixes = [...this.#evidence.outcomes].filter(([, [line]]) => line?.undo === undefined);
    const [evidence = '', [line] = []] = fixes.at(-1) ?? [];
    const region = line?.finding.region ?? REGION;
    const name = { principal: 'AROAOPERATOR:ada', id: randomUUID() };
    const request: RequestItem = {
      version: 1,
      kind: 'undo',
      account,
      region: REGION,
      at: new Date(this.#now()).toISOString(),
      by: 'ada@example.com',
      reason: 'incident 4711',
      expiresAt: 1,
      fixes: [{ rule, region, resource, evidence }],
      force: false,
    };
    const results: RequestResult[] = [];
    const act = () => {
      isSentAgain = false;
      return actOnRequest(
        { version: 1, kind: 'undo', request: name, account, region: REGION },
        { number: 1, last: false, remainingMilliseconds: () => 300_000 },
        {
          ...this.#ports({}),
          openSession: (wanted) => sessions.open(wanted),
          isHome: true,
          sendAgain: async (_, delaySeconds) => {
            isSentAgain = true;
            this.#ahead += delaySeconds * 1_000;
          },
          requests: {
            read: async () => request,
            readPending: async () => [],
            readResults: async () => results.slice(-1),
            writeResult: async (_, __, result) => {
              results.push({ ...result, version: 1, expiresAt: 1 });
            },
            announce: async () => {},
          },
        },
      );
    };
    let isSentAgain = false;
    let answer = await act();
    for (let looks = 1; isSentAgain && automation !== undefined && looks < MOST_LOOKS; looks += 1) {
      await finishLast(automation);
      answer = await act();
    }
    const { outcomes, failures = [] } = answer;
    const [outcome] = outcomes;
    if (outcome !== undefined) return outcome;
    throw new Error(`${rule} of ${resource} was not undone: ${JSON.stringify(results.at(-1))}`, {
      cause: failures[0],
    });
  }

  /** @param meanwhile runs before a follow-up job checks what AWS is working on */
  async #remediate(
    settings: Partial<Settings>,
    meanwhile: () => Promise<void> = async () => {},
    attempts = 1,
  ): Promise<Outcome> {
    const { sessions, account, rule, resource, definition } = this.#options;
    const { scope } = await loadRule(rule, definition);
    this.#evidence = new MemoryEvidence();
    this.#table = new MemoryTable();
    let job: Job | undefined = {
      version: 1,
      poll: nextPoll(rule),
      account,
      region: REGION,
      chunk: 0,
      findings: [{ rule, account, region: scope === 'global' ? 'global' : REGION, resource }],
    };
    const errors: unknown[] = [];
    let looks = 0;
    for (let number = 1; job !== undefined && looks < MOST_LOOKS; ) {
      let next: Job | undefined;
      const result: JobResult = await remediate(
        job,
        { number, last: false, remainingMilliseconds: () => 300_000 },
        {
          ...this.#ports(settings),
          openSession: (request) => sessions.open(request),
          lookAgain: async (later, delaySeconds) => {
            next = later;
            this.#ahead += delaySeconds * 1_000;
          },
        },
      );
      const [outcome] = result.outcomes;
      if (outcome !== undefined) return outcome;
      errors.push(...result.unfinished.map(({ error }) => error), ...result.failures);
      if (next !== undefined) {
        looks += 1;
        await meanwhile();
      }
      number = next === undefined ? number + 1 : 1;
      job = next ?? (number <= attempts ? job : undefined);
    }
    throw new Error(`${rule} left ${resource} unfinished`, { cause: errors[0] });
  }

  #ports(settings: Partial<Settings>): Omit<Ports, 'lookAgain' | 'openSession'> {
    const { rule, options = {}, definition } = this.#options;
    return {
      clock: { now: () => this.#now(), sleep: async () => {} },
      settings: {
        read: async () => ({
          ...parseRuleSettings(rule, settingsJson(rule, {})),
          allRules: parseAccountSettings(accountsJson({})),
          versions: { rule: '1', accounts: '1' },
          options: { ...options },
          ...(definition !== undefined && { definition }),
          ...settings,
        }),
        pause: async () => this.pause(),
      },
      evidence: this.#evidence,
      table: this.#table,
      counts: new MemoryCounts(Date.now),
      automationRoleArn: (target) => `arn:aws:iam::${target}:role/cspm-automation`,
      actOnPending: async () => false,
      roles: { report: async () => {}, claimProbe: async () => true, forget: async () => {} },
      publishNotice: async () => {},
      publish: async () => {},
    };
  }
}

async function finishLast(automation: AutomationSimulation): Promise<void> {
  const { id } = automation.executions.at(-1) ?? {};
  if (id !== undefined) await automation.finish(id);
}

/** Each poll is a new one. */
function nextPoll(rule: string): Poll {
  polls += 1;
  return { source: 'netskope', rule, asOf: new Date(Date.UTC(2026, 0, 1, 0, 0, polls)).toISOString() };
}

/** Evidence of one job, and of its undo. */
class MemoryEvidence implements EvidenceStore {
  readonly outcomes = new Map<string, Outcome[]>();
  readonly #journals = new Map<string, JournalRecord>();

  async readOutcomes(key: string): Promise<Outcome[] | undefined> {
    return this.outcomes.get(key);
  }
  async writeOutcomes(key: string, outcomes: readonly Outcome[]): Promise<boolean> {
    if (this.outcomes.has(key)) return false;
    this.outcomes.set(key, [...outcomes]);
    return true;
  }
  async readJournal(id: string): Promise<JournalVersion | undefined> {
    const journal = this.#journals.get(id);
    return journal === undefined ? undefined : { journal, version: 'only' };
  }
  async writeJournal(id: string, journal: JournalRecord): Promise<string> {
    this.#journals.set(id, journal);
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
