import type { Clock } from '../model/clock.ts';
import type { Finding } from '../model/finding.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Concluded, InProgress, Retry, Verdict, Verdicts } from './verdict.ts';

/** State of a finding. `at`: the time at which it was decided. */
export type FindingState =
  | { readonly state: 'pending' }
  /** `recorded`: the outcome that an earlier attempt wrote. */
  | (Concluded & { readonly at: string; readonly recorded?: Outcome })
  | (InProgress & { readonly at: string })
  | (Retry & { readonly at: string });

type StateName = FindingState['state'];

/** A finding and its state. */
export type Entry<N extends StateName = StateName> = {
  readonly finding: Finding;
} & Extract<FindingState, { state: N }>;

/** States of a job's findings. Each finding has exactly one. Only `remediate.ts` changes them. */
export class Book {
  #findings: readonly Finding[];
  readonly #clock: Clock;
  readonly #states: Map<string, FindingState>;

  constructor(findings: readonly Finding[], clock: Clock) {
    this.#findings = findings;
    this.#clock = clock;
    this.#states = new Map(findings.map(({ resource }) => [resource, { state: 'pending' }]));
  }

  /** The findings without a verdict. */
  get pending(): Finding[] {
    return this.#findings.filter(({ resource }) => this.#states.get(resource)?.state === 'pending');
  }

  /** Lists the findings in a state, with the data of that state, in the job's order. */
  in<N extends StateName>(name: N): Entry<N>[] {
    return this.#findings.flatMap((finding) => {
      const state = this.#states.get(finding.resource);
      return isIn(state, name) ? [{ finding, ...state }] : [];
    });
  }

  /** Sets the states of findings to these verdicts. */
  add(verdicts: Verdicts): void {
    const at = new Date(this.#clock.now()).toISOString();
    for (const [resource, verdict] of verdicts) this.#states.set(resource, { ...verdict, at });
  }

  /** Gives every pending finding the same verdict. */
  addToPending(verdict: Verdict): void {
    this.add(new Map(this.pending.map(({ resource }) => [resource, verdict])));
  }

  /** Removes findings that are left to another job. */
  leave(resources: readonly string[]): void {
    for (const resource of resources) this.#states.delete(resource);
    this.#findings = this.#findings.filter(({ resource }) => this.#states.has(resource));
  }

  /** Concludes findings whose outcomes earlier attempts wrote. */
  keep(outcomes: readonly Outcome[]): void {
    for (const recorded of outcomes) {
      const { finding, outcome, finishedAt: at } = recorded;
      this.#states.set(finding.resource, { state: 'concluded', outcome, details: {}, at, recorded });
    }
  }
}

function isIn<N extends StateName>(
  state: FindingState | undefined,
  name: N,
): state is Extract<FindingState, { state: N }> {
  return state?.state === name;
}
