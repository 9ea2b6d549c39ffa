import type { AclEntry, AwsState } from '../../lab/aws-model/state.ts';
import { entryWords } from '../acts.ts';
import type { JobSpec } from '../case.ts';
import { matchOfEntry, pointsFrom, type Reach, reachOfAcl } from '../traffic.ts';
import { ItemsOracle, type Modified } from './items.ts';
import type { Write } from './judgement.ts';

/** Tells whether an entry allows everything from everywhere. */
function opensAll({ action, protocol, cidr }: AclEntry): boolean {
  return action === 'allow' && protocol === '-1' && cidr.endsWith('/0');
}

export function entryText(entry: AclEntry): string {
  return entryWords(entry);
}

/** Judges what is done to network ACLs. */
export class NetworkAclOracle extends ItemsOracle<AclEntry> {
  protected readonly noun = 'entry';

  protected itemsOf(resource: string, state: AwsState): readonly AclEntry[] {
    return state.acls[resource]?.entries ?? [];
  }

  protected keyOf({ number }: AclEntry): string {
    return String(number);
  }

  protected textOf(entry: AclEntry): string {
    return entryText(entry);
  }

  protected wordsOf(entry: AclEntry): string {
    return `entry ${entryWords(entry)}`;
  }

  protected reachOf(entries: readonly AclEntry[]): Reach {
    return reachOfAcl(entries);
  }

  protected matchOf(entry: AclEntry): Reach {
    return matchOfEntry(entry);
  }

  protected opens(entry: AclEntry): boolean {
    return opensAll(entry);
  }

  protected namedBy(entries: readonly AclEntry[], { resource, before, job }: Write): Reach {
    const sources = pointsFrom(replacements(resource, before, job));
    return entries.filter(opensAll).reduce((all, entry) => all | (matchOfEntry(entry) & ~sources), 0n);
  }

  protected openedBy(_modified: readonly Modified<AclEntry>[], standing: readonly AclEntry[]): Reach {
    return reachOfAcl(standing);
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
