import type { Finding } from '../../model/finding.ts';
import { ALL, type HoldName, holdKey } from '../../model/operator-items.ts';
import type { Ports } from '../ports.ts';
import type { Hold } from './findings-store.ts';

/** Time for which a hold, or that there is none, is remembered: an operator who sets one sees it count within seconds. */
const REMEMBERED_MILLISECONDS = 5_000;

/** A finding, and the resources that are to be changed for it. */
export interface Asked {
  readonly finding: Finding;
  readonly resources: readonly string[];
}

interface Remembered {
  readonly at: number;
  readonly holds: Promise<readonly Hold[]>;
}

/** The holds that operators have set, read when they are asked for. */
export class Holds {
  readonly #ports: Pick<Ports, 'clock' | 'table'>;
  readonly #known = new Map<string, Remembered>();

  constructor(ports: Pick<Ports, 'clock' | 'table'>) {
    this.#ports = ports;
  }

  /**
   * Lists the holds on a finding's account, on its region there, and on resources there, for its rule or all.
   * @throws AWS's own error where the table can't be read
   */
  async on(finding: Finding, resources: readonly string[]): Promise<Hold[]> {
    const names = namesOf({ finding, resources });
    this.#load(names);
    const known = await Promise.all(names.map((name) => this.#known.get(textOf(name))?.holds ?? []));
    const asked = new Set(names.map(textOf));
    return [...new Set(known.flat())].filter(({ name }) => asked.has(textOf(name)));
  }

  /** Asks the table one question about several findings. What goes wrong shows when one of them is asked about. */
  async prepare(asked: readonly Asked[]): Promise<void> {
    const names = asked.flatMap(namesOf);
    this.#load(names);
    await Promise.allSettled(names.map((name) => this.#known.get(textOf(name))?.holds));
  }

  #load(names: readonly HoldName[]): void {
    const now = this.#ports.clock.now();
    const due = names.filter((name) => {
      const { at } = this.#known.get(textOf(name)) ?? {};
      return at === undefined || now - at >= REMEMBERED_MILLISECONDS;
    });
    if (due.length === 0) return;
    const unique = new Map(due.map((name) => [textOf(name), name]));
    const holds = this.#ports.table.readHolds([...unique.values()]);
    // It is awaited by who asks.
    holds.catch(() => {});
    for (const name of due) this.#known.set(textOf(name), { at: now, holds });
  }
}

/** The names that a hold on a finding may have. */
function namesOf({ finding: { account, region, rule }, resources }: Asked): HoldName[] {
  return [
    { account, region: ALL, resource: ALL },
    ...[ALL, ...new Set(resources)].map((resource) => ({ account, region, resource })),
  ].flatMap((place) => [ALL, rule].map((each) => ({ ...place, rule: each })));
}

function textOf(name: HoldName): string {
  const { pk, sk } = holdKey(name);
  return `${pk}/${sk}`;
}
