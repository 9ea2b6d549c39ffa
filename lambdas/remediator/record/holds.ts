import type { Change } from '../../changes/change.ts';
import type { Finding } from '../../model/finding.ts';
import { type HoldName, holdKey, namesOfHolds } from '../../model/operator-items.ts';
import type { Ports } from '../ports.ts';
import type { Hold } from './findings-store.ts';

/** Time for which holds are cached, as for a pause: no write is sent more than 5 s after an operator sets one. */
const REMEMBERED_MILLISECONDS = 2_000;

/** A finding, and the resources that are changed for it. */
export interface Asked {
  readonly finding: Finding;
  readonly resources: readonly string[];
}

/** Holds read from the table. */
interface Answer {
  /** Time at which the read began: the answer may be this old. */
  readonly at: number;
  readonly names: ReadonlySet<string>;
  readonly holds: Promise<readonly Hold[]>;
}

/**
 * Holds that operators have set. One read covers all names that matter to the job, so that the table is read every few
 * seconds instead of once per resource.
 */
export class Holds {
  readonly #ports: Pick<Ports, 'clock' | 'table'>;
  readonly #names = new Map<string, HoldName>();
  #last: Answer | undefined;

  constructor(ports: Pick<Ports, 'clock' | 'table'>) {
    this.#ports = ports;
  }

  /** Sets the holds that the table returned at a given time. */
  keep(names: readonly HoldName[], holds: readonly Hold[], at: number): void {
    this.#add(names);
    this.#last = { at, names: new Set(names.map(textOf)), holds: Promise.resolve(holds) };
  }

  /** Limits later reads to these findings, and to findings that are added afterwards. */
  watchOnly(asked: readonly Asked[]): void {
    this.#names.clear();
    this.watch(asked);
  }

  /** Adds findings to later reads. */
  watch(asked: readonly Asked[]): void {
    this.#add(asked.flatMap(({ finding, resources }) => namesOfHolds(finding, resources)));
  }

  /**
   * Lists the holds on a finding's account, on its region in the account, and on resources in the account, for the
   * finding's rule or for all rules.
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
    // The caller gets the error, and the next call reads again.
    holds.catch(() => {
      if (this.#last === answer) this.#last = undefined;
    });
    return answer;
  }
}

/** Lists the resources that a hold may apply to: those to be changed, and the finding's own. */
export function resourcesOf({ resource }: Finding, changes: readonly Change[]): string[] {
  return [resource, ...changes.map((change) => change.resource)];
}

function textOf(name: HoldName): string {
  const { pk, sk } = holdKey(name);
  return `${pk}/${sk}`;
}
