import type { AclEntry, AwsState } from '../../lab/aws-model/state.ts';
import { entryWords } from '../acts.ts';
import type { JobSpec } from '../case.ts';
import { describeReach, matchOfEntry, pointsFrom, type Reach, reachOfAcl } from '../traffic.ts';
import { differences, Effects, type Problem, type ResourceOracle, type Write } from './judgement.ts';

/** Whether an entry allows everything from everywhere. */
function opensAll({ action, protocol, cidr }: AclEntry): boolean {
  return action === 'allow' && protocol === '-1' && cidr.endsWith('/0');
}

export function entryText(entry: AclEntry): string {
  return entryWords(entry);
}

const numberOf = ({ number }: AclEntry): string => String(number);

/** Judges what is done to network ACLs. */
export class NetworkAclOracle implements ResourceOracle {
  /** Entries that we created and whose open entry we have not replaced or deleted yet: ACL and number. */
  readonly #forNow = new Set<string>();
  /** What we created, by ACL and number: ours for as long as it says what it said then. */
  readonly #made = new Map<string, string>();
  /** What others gave up when they took away what we had created for now. */
  #renounced: Reach = 0n;
  #effects = new Map<string, Effects>();

  #deliberate(resource: string, entries: readonly AclEntry[]): Reach {
    return reachOfAcl(entries.filter(({ number }) => !this.#forNow.has(`${resource} ${number}`)));
  }

  problemsOf({ resource, before, after, job }: Write): Problem[] {
    const problems: Problem[] = [];
    const entries = before.acls[resource]?.entries ?? [];
    const next = after.acls[resource]?.entries ?? [];
    const { removed, modified } = differences(entries, next, numberOf);
    const sources = replacements(resource, before, job);
    let named = 0n;
    for (const entry of [...removed, ...modified.map(({ from }) => from)]) {
      const item = `${resource} ${entry.number}`;
      if (this.#forNow.has(item) || this.#made.get(item) === entryText(entry)) continue;
      if (!opensAll(entry))
        problems.push(`changed entry ${entryWords(entry)}, which does not allow everything`);
      else named |= matchOfEntry(entry) & ~pointsFrom(sources);
    }
    const deliberate = this.#deliberate(resource, entries);
    // Entries that are created are judged when the job is over.
    if (modified.length > 0) {
      const standing = next.filter(({ number }) => !this.#forNow.has(`${resource} ${number}`));
      const opened = reachOfAcl(standing) & ~deliberate;
      if (opened !== 0n) problems.push(`opened ${describeReach(opened)}`);
    }
    const cut = reachOfAcl(entries) & ~reachOfAcl(next) & deliberate & ~named & ~this.#renounced;
    if (cut !== 0n) problems.push(`cut ${describeReach(cut)}`);
    return problems;
  }

  remember({ resource, before, after }: Write, seen: Write): { opensForNow: boolean } {
    const entries = before.acls[resource]?.entries ?? [];
    const next = after.acls[resource]?.entries ?? [];
    const { added, removed, modified } = differences(entries, next, numberOf);
    const opensForNow = added.length > 0 && (reachOfAcl(next) & ~this.#deliberate(resource, entries)) !== 0n;
    const effects = this.#effectsOn(resource);
    for (const entry of added) {
      this.#forNow.add(`${resource} ${entry.number}`);
      this.#made.set(`${resource} ${entry.number}`, entryText(entry));
      effects.add(numberOf(entry), null, entryText(entry));
    }
    for (const entry of removed) effects.add(numberOf(entry), entryText(entry), null);
    for (const { from, to } of modified) effects.add(numberOf(from), entryText(from), entryText(to));
    if (seen.before !== before) {
      // What stood there is not what the look showed, so the record can't say it.
      for (const entry of [...removed, ...modified.map(({ from }) => from)]) effects.touch(numberOf(entry));
    }
    const ended = differences(
      seen.before.acls[resource]?.entries ?? [],
      seen.after.acls[resource]?.entries ?? [],
      numberOf,
    );
    for (const entry of [...ended.removed, ...ended.modified.map(({ from }) => from)]) {
      if (this.#forNow.delete(`${resource} ${entry.number}`)) continue;
      for (const piece of next) {
        if ((matchOfEntry(piece) & ~matchOfEntry(entry)) === 0n)
          this.#forNow.delete(`${resource} ${piece.number}`);
      }
    }
    return { opensForNow };
  }

  takesBack({ resource, before, after }: Write): boolean {
    const [from, to] = [before, after].map((state) => state.acls[resource]?.entries ?? []);
    const { added, removed, modified } = differences(from ?? [], to ?? [], numberOf);
    return (
      added.length + modified.length === 0 &&
      removed.every(({ number }) => this.#forNow.has(`${resource} ${number}`))
    );
  }

  takesOutOwn({ resource, before, after }: Write): boolean {
    const [from, to] = [before, after].map((state) => state.acls[resource]?.entries ?? []);
    const { added, removed, modified } = differences(from ?? [], to ?? [], numberOf);
    return (
      added.length + modified.length === 0 &&
      removed.every((entry) => this.#made.get(`${resource} ${entry.number}`) === entryText(entry))
    );
  }

  acted(resource: string, before: AwsState, after: AwsState): void {
    const { removed, modified, added } = differences(
      before.acls[resource]?.entries ?? [],
      after.acls[resource]?.entries ?? [],
      numberOf,
    );
    for (const entry of [...removed, ...added, ...modified.map(({ from }) => from)]) {
      if (this.#forNow.delete(`${resource} ${entry.number}`)) this.#renounced |= matchOfEntry(entry);
      this.#effectsOn(resource).touch(numberOf(entry));
    }
  }

  leftBehind(resource: string, state: AwsState): Problem[] {
    const entries = state.acls[resource]?.entries ?? [];
    const reach = reachOfAcl(entries);
    const opened = reach & ~this.#deliberate(resource, entries);
    const problems: Problem[] = [];
    for (const entry of entries) {
      if (!this.#forNow.delete(`${resource} ${entry.number}`)) continue;
      problems.push(
        `left entry ${entryWords(entry)}, which it had created for an open entry that it did not take out: ${opened === 0n ? 'it opens nothing that is not open besides' : `it opens ${describeReach(opened)}`}`,
      );
    }
    return problems;
  }

  violates(resource: string, state: AwsState): boolean {
    return (state.acls[resource]?.entries ?? []).some(opensAll);
  }

  netEffect(resource: string) {
    const effects = this.#effectsOn(resource);
    return new Map([...effects.net].filter(([number]) => !effects.isTouched(number)));
  }

  begin(): void {
    this.#effects = new Map();
    this.#renounced = 0n;
  }

  #effectsOn(resource: string): Effects {
    const effects = this.#effects.get(resource) ?? new Effects();
    this.#effects.set(resource, effects);
    return effects;
  }
}

/** The sources from which the job's options let everything in still. */
function replacements(resource: string, state: AwsState, { options }: JobSpec): readonly string[] {
  const asked = options['replacement_cidrs'];
  if (!Array.isArray(asked)) return [];
  const vpc = state.vpcs[state.acls[resource]?.vpc ?? ''];
  return asked.flatMap((cidr: unknown) =>
    cidr === 'vpc' ? [...(vpc?.cidrs ?? []), ...(vpc?.ipv6Cidrs ?? [])] : [String(cidr)],
  );
}
