import type { Outcome } from '../../model/outcome.ts';
import {
  REQUEST_VALID_MILLISECONDS,
  type RequestItem,
  type RequestMessage,
  type RequestName,
  type RequestResult,
  type UndoRequest,
  type UndoResult,
} from '../../model/requests.ts';
import type { Attempt } from '../ports.ts';
import { checkAccount } from './check-account.ts';
import { mayUndo } from './may-undo.ts';
import { refuseUnreadable } from './refuse-unreadable.ts';
import { type RequestLease, takeRequestLease } from './request-lease.ts';
import { type UndoEnd, undoFix } from './undo-fix.ts';
import { UndoSessions } from './undo-sessions.ts';
import type { RequestPorts, UndoWork } from './undo-work.ts';

/** Result of one attempt to carry out a request. */
export interface Answer {
  /** Outcomes that were recorded. */
  readonly outcomes: readonly Outcome[];
  /** Log message if the request was already carried out, so that nothing was done. */
  readonly over?: string;
  /** Log message if there is no valid request for the message, so that nothing was done. */
  readonly ignored?: string;
  /** Fixes whose undo waits for AWS. */
  readonly waiting?: readonly string[];
  /** Errors that make another attempt necessary. */
  readonly failures?: readonly unknown[];
}

/**
 * Maximum time by which an operator's clock may be ahead of the function's. It allows for ordinary clock drift, and is
 * less than `CLOCKS_DIFFER_MILLISECONDS`, which applies between functions.
 */
const MOST_AHEAD_MILLISECONDS = 5 * 60_000;

const FIRST_LOOK_SECONDS = 15;
const LONGEST_LOOK_SECONDS = 300;

/**
 * Carries out the request that a message names. The content of the request comes from an item that only operators can
 * write. A message without such an item, or for a request that was already carried out, changes nothing.
 * @throws LeaseHeldError if another attempt is working on it; AWS's own error if the table can't be read or written
 */
export async function actOnRequest(
  message: RequestMessage,
  attempt: Attempt,
  ports: RequestPorts,
): Promise<Answer> {
  const { request: name, account, region, kind } = message;
  const request = await ports.requests.read(name);
  const words = `request ${name.id} of ${name.principal}`;
  const ignore = (reason: string): Answer => ({ outcomes: [], ignored: `${words} ${reason}` });
  if (request === undefined) return ignore('does not exist');
  if ('problem' in request) {
    await refuseUnreadable(message, request, ports);
    return ignore(`cannot be parsed: ${request.problem}`);
  }
  if (request.account !== account || request.region !== region || request.kind !== kind) {
    return ignore(
      `does not match its message: its kind is ${request.kind}, its account ${request.account}, and its region ${request.region}`,
    );
  }
  const lease = await takeRequestLease(name, request, attempt, ports);
  if (lease === undefined) return { outcomes: [], over: `${words} was already carried out` };
  const [before] = await ports.requests.readResults(request, [name]);
  if (before !== undefined && 'unreadable' in before) throw before.unreadable;
  const now = ports.clock.now();
  const refused = before === undefined ? whyNotValid(request, now) : undefined;
  const beganAt = before?.beganAt ?? new Date(now).toISOString();
  const progress = new Progress(name, request, beganAt, before, ports);
  if (refused !== undefined) return refuseAll(refused, progress, lease);
  if (request.kind === 'check') {
    await progress.end('done', await checkAccount(request, ports));
    await lease.end('done');
    return { outcomes: [] };
  }
  const sessions = new UndoSessions(request, ports);
  const work: UndoWork = { name, request, attempt, beganAt, ports, lease, sessions, busy: new Set() };
  const blocked = before === undefined ? await mayUndo(request.fixes[0]?.rule ?? '', work) : undefined;
  if (blocked?.is === 'undo_refused') return refuseAll(blocked.reason, progress, lease);
  return undoAll(message, request, work, progress);
}

/** Checks the time of a request that has not begun. @returns the reason if it is too old, or dated in the future */
function whyNotValid({ at }: RequestItem, now: number): string | undefined {
  const age = now - Date.parse(at);
  if (age > REQUEST_VALID_MILLISECONDS) {
    return `it was made at ${at}, and a request must begin within an hour: submit it again`;
  }
  return age < -MOST_AHEAD_MILLISECONDS
    ? `it was made at ${at}, which is in the future: correct the clock of the computer that sent it`
    : undefined;
}

async function refuseAll(reason: string, progress: Progress, lease: RequestLease): Promise<Answer> {
  await progress.end('refused', reason);
  await lease.end('done');
  return { outcomes: [] };
}

/** Undoes the fixes one after another, newest first, and writes the progress after each. */
async function undoAll(
  message: RequestMessage,
  { fixes }: UndoRequest,
  work: UndoWork,
  progress: Progress,
): Promise<Answer> {
  const outcomes: Outcome[] = [];
  const failures: unknown[] = [];
  await progress.write('working');
  for (const [index, fix] of fixes.entries()) {
    if (progress.isOver(index)) continue;
    const end = await undoFix(fix, work);
    if (end.is === 'concluded') outcomes.push(end.recorded.outcome);
    if (end.is === 'retry') {
      failures.push(end.error);
      // Undoing an older fix of the same resource may require that this fix is undone first.
      break;
    }
    progress.set(index, end);
    await progress.write('working');
  }
  if (failures.length > 0) {
    await work.lease.end('released');
    return { outcomes, failures };
  }
  const { waiting } = progress;
  if (waiting.length === 0) {
    await progress.end('done');
    await work.lease.end('done');
    return { outcomes };
  }
  const look = (message.look ?? 0) + 1;
  const delay = Math.min(FIRST_LOOK_SECONDS * 2 ** (look - 1), LONGEST_LOOK_SECONDS);
  await work.ports.sendAgain({ ...message, look }, delay);
  await progress.write('waiting');
  await work.lease.end('released');
  return { outcomes, waiting };
}

/** Results of a request's fixes so far. `write` stores them in the table. */
class Progress {
  readonly #name: RequestName;
  readonly #request: RequestItem;
  readonly #beganAt: string;
  readonly #ports: Pick<RequestPorts, 'clock' | 'requests'>;
  readonly #results: Map<number, UndoResult>;

  constructor(
    name: RequestName,
    request: RequestItem,
    beganAt: string,
    before: RequestResult | undefined,
    ports: Pick<RequestPorts, 'clock' | 'requests'>,
  ) {
    this.#name = name;
    this.#request = request;
    this.#beganAt = beganAt;
    this.#ports = ports;
    this.#results = new Map();
    for (const result of before?.results ?? []) {
      const index = this.#fixes.findIndex(
        ({ evidence, rule, region, resource }) =>
          evidence === result.undoes &&
          rule === result.rule &&
          region === result.region &&
          resource === result.resource,
      );
      if (index >= 0) this.#results.set(index, result);
    }
  }

  /** Checks whether a fix already has its final result. */
  isOver(index: number): boolean {
    const result = this.#results.get(index);
    return result !== undefined && result.is !== 'waiting';
  }

  get waiting(): string[] {
    return [...this.#results.values()].flatMap(({ is, resource, reason }) =>
      is === 'waiting' ? [`${resource}: ${reason}`] : [],
    );
  }

  set(index: number, end: Exclude<UndoEnd, { is: 'retry' }>): void {
    const fix = this.#fixes[index];
    if (fix === undefined) return;
    const { rule, region, resource, evidence: undoes } = fix;
    const named = { rule, region, resource, undoes };
    if (end.is !== 'concluded') {
      const is = end.is === 'waiting' ? 'waiting' : 'undo_refused';
      this.#results.set(index, { ...named, is, reason: end.reason });
      return;
    }
    const { outcome, evidence } = end.recorded;
    const { reason } = outcome;
    const is = outcome.outcome === 'undone' ? 'undone' : 'undo_refused';
    this.#results.set(index, { ...named, is, ...(reason !== undefined && { reason }), evidence });
  }

  write(state: RequestResult['state'], rest: Pick<RequestResult, 'reason' | 'endedAt'> = {}): Promise<void> {
    const { kind, account, region } = this.#request;
    const results = [...this.#results].sort(([one], [other]) => one - other).map(([, result]) => result);
    return this.#ports.requests.writeResult(this.#request, this.#name, {
      kind,
      account,
      region,
      state,
      beganAt: this.#beganAt,
      results,
      ...rest,
    });
  }

  end(state: 'done' | 'refused', reason?: string): Promise<void> {
    const endedAt = new Date(this.#ports.clock.now()).toISOString();
    return this.write(state, { endedAt, ...(reason !== undefined && { reason }) });
  }

  get #fixes() {
    return this.#request.kind === 'undo' ? this.#request.fixes : [];
  }
}
