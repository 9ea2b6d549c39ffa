import type { AclEntry, AwsState } from '../../lab/aws-model/state.ts';
import { entryWords } from '../acts.ts';
import type { JobSpec } from '../case.ts';
import {
  matchOfEntry,
  OTHER_PROTOCOLS,
  pointsFrom,
  pointsOfPort,
  type Reach,
  reachOfAcl,
} from '../traffic.ts';
import { ItemsOracle, type Modified } from './items.ts';
import type { Write } from './judgement.ts';

const ADMIN_PORTS = [
  { protocol: '6', name: 'tcp', port: 22 },
  { protocol: '6', name: 'tcp', port: 3389 },
  { protocol: '17', name: 'udp', port: 3389 },
];
const ADMIN_POINTS = ADMIN_PORTS.reduce((all, { name, port }) => all | pointsOfPort([name], port), 0n);

const closesPorts = ({ rule }: JobSpec): boolean => rule === 'network-acl-admin-ports-open';

/** Tells whether an entry allows everyone on all ports of the job's rule, or on one of them. */
function opens({ action, protocol, cidr, ports }: AclEntry, job: JobSpec): boolean {
  if (action !== 'allow' || !cidr.endsWith('/0')) return false;
  if (protocol === '-1' || !closesPorts(job)) return protocol === '-1';
  const { from, to } = ports ?? { from: 0, to: 65_535 };
  return ADMIN_PORTS.some((each) => each.protocol === protocol && from <= each.port && each.port <= to);
}

/** The traffic that a violating entry allows and that ends with it: all of it, or the ports and unnamed protocols. */
function endsWith(entry: AclEntry, job: JobSpec): Reach {
  const all = matchOfEntry(entry);
  if (!closesPorts(job)) return all;
  return all & (entry.protocol === '-1' ? ADMIN_POINTS | OTHER_PROTOCOLS : ADMIN_POINTS);
}

export function entryText(entry: AclEntry): string {
  return entryWords(entry);
}

/** Judges changes of network ACLs. */
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

  protected opens(entry: AclEntry, job: JobSpec): boolean {
    return opens(entry, job);
  }

  protected namedBy(entries: readonly AclEntry[], { resource, before, job }: Write): Reach {
    const sources = pointsFrom(replacements(resource, before, job));
    return entries
      .filter((entry) => opens(entry, job))
      .reduce((all, entry) => all | (endsWith(entry, job) & ~sources), 0n);
  }

  protected openedBy(_modified: readonly Modified<AclEntry>[], standing: readonly AclEntry[]): Reach {
    return reachOfAcl(standing);
  }
}

/** The sources that the job's options still allow in for everything. */
function replacements(resource: string, state: AwsState, { options }: JobSpec): readonly string[] {
  const asked = options['replacement_cidrs'];
  if (!Array.isArray(asked)) return [];
  const vpc = state.vpcs[state.acls[resource]?.vpc ?? ''];
  return asked.flatMap((cidr: unknown) =>
    cidr === 'vpc' ? [...(vpc?.cidrs ?? []), ...(vpc?.ipv6Cidrs ?? [])] : [String(cidr)],
  );
}
