import { randomUUID } from 'node:crypto';
import { UnreadableItemError } from '../../../../lambdas/model/errors.ts';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import {
  type Fix,
  type RequestItem,
  type RequestMessage,
  type RequestName,
  type RequestResult,
  requestKey,
} from '../../../../lambdas/model/requests.ts';
import { type Answer, actOnRequest } from '../../../../lambdas/remediator/undo/act-on-request.ts';
import { requestLeaseName } from '../../../../lambdas/remediator/undo/request-lease.ts';
import type { FoundRequest, RequestsStore } from '../../../../lambdas/remediator/undo/requests-store.ts';
import type { RequestPorts } from '../../../../lambdas/remediator/undo/undo-work.ts';
import { Lifeline } from './lifeline.ts';
import { ACCOUNT, type AttemptOptions, REGION, type RemediatorInMemory } from './remediator-in-memory.ts';

export const PRINCIPAL = 'AROAOPERATOR:ada';

/** A time longer than a lease. */
const VISIBILITY_TIMEOUT_MILLISECONDS = 400_000;

/** Requests of operators and their results in memory, with a remediator that carries them out. */
export class UndoDesk {
  /** Requests by key. */
  readonly requests = new Map<string, FoundRequest>();
  readonly results = new Map<string, RequestResult>();
  /** Ids of requests whose results are of another version. */
  readonly unreadable = new Set<string>();
  /** Keys of the evidence that was announced for lists of outcomes. */
  readonly announced = new Set<string>();
  /** The delayed messages, in order. */
  readonly later: { readonly message: RequestMessage; readonly delaySeconds: number }[] = [];
  isHome = true;
  /** Chooses the error that the table returns instead of a request. */
  failure: (name: RequestName) => Error | undefined = () => undefined;
  readonly #remediator: RemediatorInMemory;

  constructor(remediator: RemediatorInMemory) {
    this.#remediator = remediator;
  }

  /** The fixes of a resource in the evidence, newest first. */
  fixesOf(resource: string): Fix[] {
    const found = [...this.#remediator.objects].flatMap(([evidence, outcomes]) =>
      outcomes.flatMap(({ finding, applied, undo }): Fix[] => {
        const { rule, region } = finding;
        const isFix = finding.resource === resource && applied.length > 0 && undo === undefined;
        return isFix ? [{ rule, region, resource, evidence }] : [];
      }),
    );
    return found.reverse();
  }

  /** Writes a request for an undo, as the command line does. @returns the message that names it */
  ask(fixes: readonly Fix[], request: Partial<Extract<RequestItem, { kind: 'undo' }>> = {}): RequestMessage {
    const name = { principal: PRINCIPAL, id: randomUUID() };
    const item: RequestItem = {
      version: 1,
      kind: 'undo',
      account: ACCOUNT,
      region: REGION,
      at: new Date(this.#remediator.now).toISOString(),
      by: 'ada@example.com',
      reason: 'incident 4711',
      expiresAt: Math.floor(this.#remediator.now / 1000) + 86_400,
      fixes: [...fixes],
      force: false,
      ...request,
    };
    this.requests.set(keyOf(name), item);
    return { version: 1, kind: item.kind, request: name, account: ACCOUNT, region: REGION };
  }

  /** Undoes fixes, with all follow-up messages. @returns the outcomes */
  async undo(fixes: readonly Fix[], request: Parameters<UndoDesk['ask']>[1] = {}): Promise<Outcome[]> {
    const message = this.ask(fixes, request);
    const outcomes = [...(await this.act(message)).outcomes];
    return [...outcomes, ...(await this.finish())];
  }

  /** Delivers delayed messages until none is left. */
  async finish(): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (let next = this.later.shift(); next !== undefined; next = this.later.shift()) {
      this.#remediator.now += next.delaySeconds * 1000;
      outcomes.push(...(await this.act(next.message)).outcomes);
    }
    return outcomes;
  }

  async act(message: RequestMessage, options: AttemptOptions = {}): Promise<Answer> {
    const { number = 1, last = false, remainingMilliseconds = () => 300_000, steps, onStep } = options;
    const life = new Lifeline(steps, onStep);
    const attempt = { number, last, remainingMilliseconds };
    try {
      return await actOnRequest(message, attempt, this.#ports(life));
    } finally {
      // A function that was killed cannot end its lease. Its message returns when the lease has expired.
      const { job } = requestLeaseName(message, message.request);
      const { state } = this.#remediator.table.leases.get(job) ?? {};
      if (state === 'held') this.#remediator.now += VISIBILITY_TIMEOUT_MILLISECONDS;
    }
  }

  result({ request }: Pick<RequestMessage, 'request'>): RequestResult | undefined {
    return this.results.get(keyOf(request));
  }

  /** The store without an attempt that may be interrupted. */
  get store(): RequestsStore {
    return this.#storeOf(new Lifeline());
  }

  #storeOf(life: Lifeline): RequestsStore {
    return {
      read: (name) =>
        life.step(() => {
          const error = this.failure(name);
          if (error !== undefined) throw error;
          return structuredClone(this.requests.get(keyOf(name)));
        }),
      readPending: () => life.step(() => structuredClone(this.#remediator.table.pending)),
      readResults: (_, names) =>
        life.step(() =>
          names.map((name) =>
            this.unreadable.has(name.id)
              ? { unreadable: new UnreadableItemError('another version') }
              : structuredClone(this.results.get(keyOf(name))),
          ),
        ),
      writeResult: (_, name, result) =>
        life.step(() => {
          this.results.set(keyOf(name), structuredClone({ ...result, version: 1, expiresAt: 1 }));
        }),
      announce: (_, { evidence }) =>
        life.step(() => {
          this.announced.add(evidence);
        }),
    };
  }

  #ports(life: Lifeline): RequestPorts {
    return {
      ...this.#remediator.ports(life),
      isHome: this.isHome,
      sendAgain: (message, delaySeconds) =>
        life.step(() => {
          this.later.push({ message, delaySeconds });
        }),
      requests: this.#storeOf(life),
    };
  }
}

function keyOf(name: RequestName): string {
  return requestKey(name).pk;
}
