import type { Change } from '../../changes/change.ts';
import type { Finding } from '../../model/finding.ts';
import { type HoldName, holdKey, namesOfHolds } from '../../model/operator-items.ts';
import type { Ports } from '../ports.ts';
import type { Hold } from './findings-store.ts';

/** Time for which holds are remembered, as a pause is: no write leaves later than 5 s after an operator sets one. */
const REMEMBERED_MILLISECONDS = 2_000;

/** A finding, and the resources that are to be changed for it. */
export interface Asked {
  readonly finding: Finding;
  readonly resources: readonly string[];
}

/** An answer of the table. */
interface Answer {
  /** Time of the question: the answer may be as old as that. */
  readonly at: number;
  readonly names: ReadonlySet<string>;
  readonly holds: Promise<readonly Hold[]>;
}

/**
 * The holds that operators have set. One question is about all names that matter to the job, so that the table is asked once
 * in a while and not for each resource.
 */
export class Holds {
  readonly #ports: Pick<Ports, 'clock' | 'table'>;
  readonly #names = new Map<string, HoldName>();
  #last: Answer | undefined;

  constructor(ports: Pick<Ports, 'clock' | 'table'>) {
    this.#ports = ports;
  }

  /** Takes what the table answered at a moment. */
  keep(names: readonly HoldName[], holds: readonly Hold[], at: number): void {
    this.#add(names);
    this.#last = { at, names: new Set(names.map(textOf)), holds: Promise.resolve(holds) };
  }

  /** Limits later questions to these findings, and to what else is asked for. */
  watchOnly(asked: readonly Asked[]): void {
    this.#names.clear();
    this.watch(asked);
  }

  /** Adds findings to what is asked about from now on. */
  watch(asked: readonly Asked[]): void {
    this.#add(asked.flatMap(({ finding, resources }) => namesOfHolds(finding, resources)));
  }

  /**
   * Lists the holds on a finding's account, on its region there, and on resources there, for its rule or all.
   * @throws AWS's own error if the table can't be read
   */
  async on(finding: Finding, resources: readonly string[]): Promise<Hold[]> {
    const names = namesOfHolds(finding, resources);
    this.#add(names);
    const holds = await this.#answerOn(names.map(textOf)).holds;
    const asked = new Set(names.map(textOf));
    return holds.filter(({ name }) => asked.has(textOf(name)));
  }

  #add(names: readonly HoldName[]): void {
    for (const name of names) this.#names.set(textOf(name), name);
  }

  #answerOn(names: readonly string[]): Answer {
    const at = this.#ports.clock.now();
    const last = this.#last;
    const isFresh = last !== undefined && at - last.at < REMEMBERED_MILLISECONDS;
    if (isFresh && names.every((name) => last.names.has(name))) return last;
    const asked = { holds: [...this.#names.values()] };
    const holds = this.#ports.table.readOperatorItems(asked).then((read) => read.holds);
    const answer = { at, names: new Set(this.#names.keys()), holds };
    this.#last = answer;
    // It is thrown to who asks, and asked again.
    holds.catch(() => {
      if (this.#last === answer) this.#last = undefined;
    });
    return answer;
  }
}

/** The resources by which holds go: those to be changed, and the one that the finding names. */
export function resourcesOf({ resource }: Finding, changes: readonly Change[]): string[] {
  return [resource, ...changes.map((change) => change.resource)];
}

function textOf(name: HoldName): string {
  const { pk, sk } = holdKey(name);
  return `${pk}/${sk}`;
}
